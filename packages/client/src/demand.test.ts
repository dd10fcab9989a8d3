import { describe, expect, it } from 'vitest';
import { boundedLoad, c3, connect, maglev, peakEwma, responseTimeWeighted, ServiceClient, StaticSource } from './index.ts';

describe('an option that there is not is refused by name, with the nearest one that there is', () => {
  it('of connect', async () => {
    const wrong = { severs: ['http://127.0.0.1:1'] };
    await expect(connect(wrong as object)).rejects.toThrow('connect has no option severs; did you mean servers?');
  });

  it.each([
    [{ tryTimeout: 5 }, 'service has no option tryTimeout; did you mean tryTimeoutMs?'],
    [{ retries: 3 }, 'service has no option retries; it has balancer, routing'],
    [{ ejection: { max: 1 } }, 'ejection has no option max; did you mean maxMs?'],
    [{ ejection: { outliers: { interval: 1 } } }, 'ejection.outliers has no option interval; did you mean intervalMs?'],
    [{ retryBudget: { persecond: 1 } }, 'retryBudget has no option persecond; did you mean perSecond?'],
    [{ hedging: { percentil: 0.9 } }, 'hedging has no option percentil; did you mean percentile?'],
    [{ breaker: { failureshare: 0.1 } }, 'breaker has no option failureshare; did you mean failureShare?'],
    [{ concurrency: { minimum: 1 } }, 'concurrency has no option minimum'],
    [{ routing: { zones: {} } }, 'routing has no option zones; did you mean zone?'],
  ])('of a service: %j', (options, message) => {
    expect(() => new ServiceClient(new StaticSource(), 'web', options as object)).toThrow(message);
  });

  it('of a balancer', () => {
    expect(() => peakEwma({ decay: 5 } as object)).toThrow('peakEwma has no option decay; did you mean decayMs?');
    expect(() => c3({ client: 5 } as object)).toThrow('c3 has no option client; did you mean clients?');
    expect(() => responseTimeWeighted({ failure: 5 } as object)).toThrow('responseTimeWeighted has no option failure; did you mean failureMs?');
    expect(() => boundedLoad(maglev(), { faktor: 2 } as object)).toThrow('boundedLoad has no option faktor; did you mean factor?');
  });

  it('of a registration, before anything is asked for', async () => {
    const rollcall = await connect({ servers: ['http://127.0.0.1:1'], onEvent: () => {} });
    try {
      expect(() => rollcall.announce({ service: 'web', prot: 80 } as never)).toThrow('register has no option prot; did you mean port?');
    } finally {
      await rollcall.close();
    }
  });
});
