// Time zones to choose from.

import { h } from '../../lib/dom.js';

/** The names of all time zones, for controls with `list="time-zones"`. */
export const timeZoneList = () =>
  h(
    'datalist',
    { id: 'time-zones' },
    Intl.supportedValuesOf('timeZone').map((zone) => h('option', { value: zone })),
  );
