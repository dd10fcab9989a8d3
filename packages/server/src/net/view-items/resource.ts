/** Which permission a view asks for. It decides nothing itself. */

import type { FrameViewKind } from '@rollcall/protocol';

export function resourceOfView(kind: FrameViewKind): 'service' | 'key' | 'lock' | 'config' {
  switch (kind) {
    case 'service':
    case 'services':
    case 'route':
      return 'service';
    case 'key':
    case 'prefix':
      return 'key';
    case 'lock':
      return 'lock';
    case 'config':
      return 'config';
  }
}
