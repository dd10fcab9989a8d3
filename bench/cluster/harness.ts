/** The parts of the harness that benchmarks use, as one module. */

export { onEtcd } from '../../conformance/cluster/deploy/on-etcd.ts';
export { leaderOf } from '../../conformance/cluster/fault/etcd-faults.ts';
export { History } from '../../conformance/cluster/history.ts';
export { judge } from '../../conformance/cluster/judge.ts';
export { run, settleMs, together } from '../../conformance/cluster/run.ts';
