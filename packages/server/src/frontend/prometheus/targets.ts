/**
 * Encodes the target groups of a question, in slices and from one moment of the registry. The groups of a service are kept encoded under
 * the revision of its view, so that a list of all services costs what has changed, and the copying of the rest.
 */

import { defaultNamespace, isRegistryError, RegistryError } from '@rollcall/protocol';
import { compileQuery } from '../../filter/filter.ts';
import { MemoryShare, type AnswerMemory } from '../../net/answer-memory.ts';
import { Body, type Answers } from '../../net/answers.ts';
import { ListWriter } from '../../net/list-writer.ts';
import type { Pace, Work } from '../../net/turns.ts';
import type { Frozen } from '../../registry/frozen.ts';
import { statuses } from '../../registry/kind/catalog/effective-status.ts';
import { findNode, instancesOfService } from '../../registry/kind/catalog/find.ts';
import { servicesAt } from '../../registry/kind/catalog/services-at.ts';
import { serviceView } from '../../registry/kind/catalog/views.ts';
import { namespaceNames } from '../../registry/kind/namespace/find.ts';
import type { Views } from '../../registry/views.ts';
import type { Authorizer } from '../../security/authorizer.ts';
import { everyNamespace, type Question } from './question.ts';
import { filterShape, groupOf, type Target } from './translate.ts';

/** Microseconds, about, of one instance. */
const unitsPerGroup = 6;
const unitsPerLook = 1;
const unitsPerService = 1;
/** As for Consul's filters. */
const unitsPerComparison = 0.5;
const stepsPerUnit = 32;

export interface TargetsOptions {
  readonly views: Views;
  readonly answers: Answers;
  readonly pace: Pace;
  readonly memory: AnswerMemory;
}

export class Targets {
  readonly #options: TargetsOptions;

  constructor(options: TargetsOptions) {
    this.#options = options;
  }

  /** @param namespace in which the caller's request looks things up, or `*` */
  *list(frozen: Frozen, authorizer: Authorizer, namespace: string, question: Question): Work<Body> {
    const { memory, pace } = this.#options;
    const share = new MemoryShare(memory);
    try {
      const out = new ListWriter(share);
      const wants = this.#wants(question);
      out.write('[');
      let isFirst = true;
      for (const place of placesOf(frozen, authorizer, namespace)) {
        for (const service of servicesOf(frozen, place, question)) {
          if (pace.spend(unitsPerService)) yield;
          if (!authorizer.allows(place, 'service', 'read', service)) continue;
          const groups = wants === undefined ? yield* this.#kept(frozen, place, service) : yield* this.#groups(frozen, place, service, wants);
          if (groups.bytes === 0) continue;
          if (!isFirst) out.write(',\n');
          isFirst = false;
          out.append(groups.buffers);
        }
      }
      out.write(']\n');
      return new Body(out.finish());
    } finally {
      share.free();
    }
  }

  /** Undefined: all of them. */
  #wants({ tags, filter }: Question): ((target: Target) => boolean) | undefined {
    if (tags.length === 0 && filter === '') return undefined;
    const { pace } = this.#options;
    const { wants, comparisons, steps } = compileQuery(filter, filterShape);
    return (target) => {
      if (!tags.every((tag) => target.row.tags.includes(tag))) return false;
      const before = steps();
      try {
        return wants(target);
      } catch (error) {
        if (isRegistryError(error, 'resource_exhausted')) throw new RegistryError('invalid_argument', error.message);
        throw error;
      } finally {
        pace.spend(comparisons * unitsPerComparison + (steps() - before) / stepsPerUnit);
      }
    };
  }

  /** The groups of all instances of a service. */
  *#kept(frozen: Frozen, namespace: string, service: string): Work<Body> {
    const { views, answers } = this.#options;
    const view = serviceView(namespace, service);
    const revision = views.revision(view);
    // If the view is newer than the moment, its instances are not those of the moment.
    const isCurrent = revision <= frozen.revision;
    const known = isCurrent ? answers.find(view, revision, form) : undefined;
    if (known !== undefined) return known;
    const body = yield* this.#groups(frozen, namespace, service, () => true);
    if (isCurrent) answers.keep(view, revision, form, body);
    return body;
  }

  /** The groups of a service, joined; empty when there are none. An instance without a port cannot be scraped. */
  *#groups(frozen: Frozen, namespace: string, service: string, wants: (target: Target) => boolean): Work<Body> {
    const { pace } = this.#options;
    const out = new ListWriter();
    const statusOf = statuses(frozen);
    let separator = '';
    for (const row of [...instancesOfService(frozen, namespace, service)]) {
      const address = row.address || (row.node === '' ? '' : (findNode(frozen, row.node)?.address ?? ''));
      const target: Target = { row, address, status: statusOf(row) };
      const isWanted = row.port > 0 && address !== '' && wants(target);
      if (isWanted) {
        out.write(separator + groupOf(target));
        separator = ',\n';
      }
      if (pace.spend(isWanted ? unitsPerGroup : unitsPerLook)) yield;
    }
    return new Body(out.finish());
  }
}

/** Of a service's groups among kept answers. */
const form = 'prometheus part';

/** The namespace of the request, or all of which the caller may know. */
function placesOf(frozen: Frozen, authorizer: Authorizer, namespace: string): readonly string[] {
  if (namespace !== everyNamespace) return [namespace];
  return [...namespaceNames(frozen)].filter((name) => name === defaultNamespace || authorizer.allowsNamespace(name, 'read')).sort();
}

function servicesOf(frozen: Frozen, namespace: string, { services }: Question): readonly string[] {
  return services.length === 0 ? servicesAt(frozen, namespace) : services;
}
