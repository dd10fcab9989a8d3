/** Calls of etcd's JSON gateway: with them tests act like operators and other programs. */

export function gateway(url: string) {
  const post = async <T>(path: string, body: object): Promise<T> => {
    const answer = await fetch(`${url}/v3/${path}`, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  return {
    post,
    put: (key: string, value: string) => post('kv/put', { key: base64(key), value: base64(value) }),
    /** Removes everything. */
    removeAll: () => post('kv/deleterange', { key: 'AA==', range_end: 'AA==' }),
    /** Makes etcd forget all history before now. */
    async compact(): Promise<void> {
      const { header } = await post<{ header: { revision: string } }>('kv/range', { key: 'AA==' });
      await post('kv/compaction', { revision: header.revision, physical: true });
    },
    /** As `etcdctl alarm disarm`. */
    async disarm(): Promise<void> {
      const { alarms = [] } = await post<{ alarms?: object[] }>('maintenance/alarm', { action: 'GET' });
      for (const alarm of alarms) await post('maintenance/alarm', { action: 'DEACTIVATE', ...alarm });
    },
    /** A snapshot, as `etcdctl snapshot save` writes it: the gateway sends it as lines of JSON. */
    async snapshot(): Promise<Buffer> {
      const answer = await fetch(`${url}/v3/maintenance/snapshot`, { method: 'POST', body: '{}' });
      const lines = (await answer.text()).trim().split('\n');
      const parts = lines.map((line) => (JSON.parse(line) as { result: { blob?: string } }).result);
      return Buffer.concat(parts.map(({ blob = '' }) => Buffer.from(blob, 'base64')));
    },
    /** Ends the lease of a key, as etcd does when it is not renewed in time. */
    async endLease(key: string): Promise<void> {
      const { kvs } = await post<{ kvs: { lease: string }[] }>('kv/range', { key: base64(key) });
      await post('lease/revoke', { ID: kvs[0]?.lease });
    },
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
