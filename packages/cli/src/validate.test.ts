/** `validate`: the agent's own checks of its files, without an agent. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folder, here } from './processes.case.ts';

function file(name: string, text: string): string {
  const path = join(folder(), name);
  writeFileSync(path, text);
  return path;
}

describe('validate', () => {
  it('prints the number of definitions of valid files, and nothing with --quiet', async () => {
    const service = file('web.hcl', 'service {\n  name = "web"\n  port = 80\n  check = { tcp = "127.0.0.1:80", interval = "10s" }\n}\n');
    const settings = file('agent.json', '{"datacenter": "dc1", "checks": [{"name": "disk", "ttl": "30s"}]}');
    expect(await here(['validate', service, settings])).toEqual({ code: 0, stdout: 'valid: 2 files with 1 service and 1 check\n', stderr: '' });
    expect(await here(['validate', '-quiet', service])).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('reads a folder in the same way as the agent, and names files that it does not read', async () => {
    const path = folder();
    writeFileSync(join(path, 'a.hcl'), 'services { name = "a" }\n');
    writeFileSync(join(path, 'notes.txt'), 'x');
    const found = await here(['validate', path]);
    expect(found).toMatchObject({ code: 0, stdout: 'valid: 1 file with 1 service and 0 checks\n' });
    expect(found.stderr).toMatch(/^rollcall: .*notes\.txt is not read/);
  });

  it.each([
    ['agent.hcl', 'acl { enable = true }', /acl\.enable is no setting of Consul; did you mean acl\.enabled\?/],
    ['agent.hcl', 'sevice { name = "web" }', /sevice is no setting of Consul; did you mean service\?/],
    ['web.json', '{"service": {"name": "web", "prot": 80}}', /prot.*port/],
    ['web.hcl', 'service { name = "web" check = { args = ["true"], interval = "1s" } }', /web/],
    ['web.json', '{"service": ', /is not JSON/],
    ['web.txt', 'x', /neither \.hcl nor \.json/],
  ])('%s with %s is refused with exit code 2', async (name, text, message) => {
    const refused = await here(['validate', file(name, text)]);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(message);
  });

  it('takes the format from --config-format, and ends with exit code 2 for a missing file', async () => {
    expect((await here(['validate', '-config-format=hcl', file('web.conf', 'service { name = "web" }')])).code).toBe(0);
    expect(await here(['validate', join(folder(), 'absent.hcl')])).toMatchObject({ code: 2, stderr: expect.stringContaining('ENOENT') });
  });
});
