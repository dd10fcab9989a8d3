/** Which plans are kept when there are more URLs than room. */

import { describe, expect, it } from 'vitest';
import { Plans, type Plan } from './plan.ts';

/** Plans are only stored and returned, never used. */
const plan = (name: string) => ({ route: name }) as Plan;

describe('plans', () => {
  it('of a URL that is in use are kept during a scan of 8,192 others', () => {
    const plans = new Plans(8_192);
    const hot = plan('hot');
    plans.put('/v1/health/service/web', hot);
    for (let n = 0; n < 8_192; n++) {
      plans.put(`/v1/health/service/scanned-${n}`, plan('scanned'));
      if (n % 100 === 0) expect(plans.get('/v1/health/service/web')).toBe(hot);
    }
    expect(plans.get('/v1/health/service/web')).toBe(hot);
    expect(plans.get('/v1/health/service/scanned-0')).toBeUndefined();
    expect(plans.get('/v1/health/service/scanned-8191')).toBeDefined();
  });

  it('of long URLs are not kept', () => {
    const plans = new Plans(8);
    plans.put('/'.repeat(513), plan('long'));
    expect(plans.get('/'.repeat(513))).toBeUndefined();
  });
});
