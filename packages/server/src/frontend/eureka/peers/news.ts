/** The words of what one server tells another about an instance. */

/** An instance as Eureka names it. The app is in upper case. */
export interface InstanceName {
  readonly app: string;
  readonly id: string;
}

/**
 * `register`: it is new or has changed. `override`: an operator set or cleared its status. `heartbeat`: it lives.
 * `cancel`: it was deregistered.
 */
export type NewsKind = 'register' | 'override' | 'heartbeat' | 'cancel';
