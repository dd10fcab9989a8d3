/**
 * Fills an Apollo through its portal, as a person would in the browser: apps with namespaces of each format, clusters, a public namespace, items that
 * are edited and not released. Without the profile `auth` the portal asks for no login.
 */

/** What `fill` leaves released, by `APP/CLUSTER/NAMESPACE`, as clients of Apollo get it. */
export const released = {
  'orders/default/application': { timeout: '5', 'key with space': 'a = b: c', path: 'C:\\new', 'grün': 'größe', lines: 'one\ntwo', empty: '' },
  'orders/blue/application': { timeout: '7' },
  'orders/default/features.yml': { content: 'on: true\nlist: [1, 2]\n' },
  'orders/default/beans.xml': { content: '<a b="c"/>' },
  'orders/default/rules.json': { content: '{"a": {"b": 1}}' },
  'base/default/team.common': { url: 'shared', pool: '5' },
};

/** Edited after the release: in the portal's archive, and not at clients. */
export const unreleased = { 'orders/default/application': { timeout: '6' } };

const formats = { yml: 'yml', xml: 'xml', json: 'json' };

/** @param portal its URL @param env the environment, as the portal spells it */
export async function fill(portal, env) {
  const call = async (method, path, body) => {
    const answer = await fetch(`${portal}${path}`, { method, headers: { 'content-type': 'application/json' }, body: body === undefined ? undefined : JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 500)}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  await eventually(async () => {
    const { environments } = await call('GET', '/system-info');
    if (!environments.some(({ adminServices }) => adminServices.length > 0)) throw new Error('the portal knows no admin service yet');
  });
  for (const appId of ['orders', 'base']) await call('POST', '/apps', { appId, name: appId, orgId: 'TEST1', orgName: 'Test', ownerName: 'apollo', admins: [] });
  await eventually(() => call('GET', `/apps/base/envs/${env}/clusters/default/namespaces`));
  await call('POST', '/apps/orders/envs/' + env + '/clusters', { appId: 'orders', name: 'blue' });
  for (const place of Object.keys(released)) {
    const [appId, cluster, name] = place.split('/');
    if (name === 'application' || cluster !== 'default') continue;
    const [stem, ending] = name.split(/\.(?=yml$|xml$|json$)/);
    const isPublic = appId === 'base';
    await call('POST', `/apps/${appId}/appnamespaces?appendNamespacePrefix=false`, { appId, name: stem, format: formats[ending] ?? 'properties', isPublic, comment: 'for a test' });
    // The portal gives it to the app's clusters when a person says so.
    await call('POST', `/apps/${appId}/namespaces`, [{ env, namespace: { appId, clusterName: 'default', namespaceName: name } }]).catch((error) => {
      if (!String(error).includes('exist')) throw error;
    });
  }
  const at = (place) => {
    const [appId, cluster, name] = place.split('/');
    return `/apps/${appId}/envs/${env}/clusters/${cluster}/namespaces/${name}`;
  };
  const put = async (place, values) => {
    for (const [key, value] of Object.entries(values)) {
      if (key === 'content') await call('PUT', `${at(place)}/items`, { configText: value, format: formats[place.split('.').at(-1)], namespaceId: (await call('GET', at(place))).baseInfo.id });
      else await call('POST', `${at(place)}/item`, { key, value, comment: `about ${key}` });
    }
  };
  const release = (place) => call('POST', `${at(place)}/releases`, { releaseTitle: 'for a test', releaseComment: '', isEmergencyPublish: false });
  for (const [place, values] of Object.entries(released)) {
    await put(place, values);
    await release(place);
  }
  for (const [place, values] of Object.entries(unreleased)) {
    const items = await call('GET', `${at(place)}/items?orderBy=lineNum`);
    for (const [key, value] of Object.entries(values)) await call('PUT', `${at(place)}/item`, { ...items.find((item) => item.key === key), value });
  }
}

/** Repeats a call while the portal has not told its other services yet. */
async function eventually(work) {
  for (let left = 60; ; left--) {
    try {
      return await work();
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((next) => setTimeout(next, 1_000));
    }
  }
}
