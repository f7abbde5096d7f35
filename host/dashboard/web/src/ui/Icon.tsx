/** Icons of 20 by 20, drawn in the text's colour. They never stand alone: see IconButton. */
const paths = {
  overview: 'M3 3h6v8H3zM11 3h6v4h-6zM11 9h6v8h-6zM3 13h6v4H3z',
  routing: 'M5 17V3M5 12c0-4 3-4 6-5l4-2M12 3.5 15.5 5l-1.2 3.4',
  requests: 'M3 5h14M3 10h14M3 15h9',
  models: 'M10 2.5 17 6v8l-7 3.5L3 14V6zM3 6l7 3.5L17 6M10 9.5v8',
  providers: 'M4 3h12v5H4zM4 12h12v5H4zM7 5.5h.01M7 14.5h.01',
  costs: 'M10 2.5v15M13.5 5.5c-1-1-2-1.3-3.5-1.3-2 0-3.5 1-3.5 2.6 0 4 7.5 2 7.5 6 0 1.800-1.700 2.900-4 2.900-1.700 0-3-.5-4-1.700',
  usage: 'M3 17V3M3 17h14M6.500 14v-4M10 14V6M13.500 14V9',
  plugins: 'M10 2.500 16.500 6.200v7.600L10 17.500l-6.500-3.700V6.200zM7.500 8l2.500 4 2.500-4',
  keys: 'M13 3a4 4 0 1 1-3.500 6L4 14.500V17H6.500v-2H8.500v-2l2.200-2.100M13.800 6.300h.01',
  sessions: 'M3 4h14v9H9l-4 3.500V13H3z',
  settings: 'M3 6h8M15 6h2M3 14h2M9 14h8M13 4v4M7 12v4',
  menu: 'M3 5h14M3 10h14M3 15h14',
  close: 'M5 5l10 10M15 5 5 15',
  check: 'M4 10.500 8.500 15 16 5.500',
  triangle: 'M10 3.500 17.500 16.500h-15zM10 8v4M10 14.200h.01',
  cross: 'M10 2.500a7.500 7.500 0 1 0 0 15 7.500 7.500 0 0 0 0-15M7.300 7.300l5.400 5.400M12.700 7.300l-5.400 5.400',
  tick: 'M10 2.500a7.500 7.500 0 1 0 0 15 7.500 7.500 0 0 0 0-15M6.700 10.200 9 12.500l4.300-4.800',
  dash: 'M10 2.500a7.500 7.500 0 1 0 0 15 7.500 7.500 0 0 0 0-15M6.500 10h7',
  copy: 'M7 7h9v9H7zM4 13V4h9',
  search: 'M9 3.500a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11M13 13l4 4',
  sun: 'M10 6.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7M10 2v2M10 16v2M2 10h2M16 10h2M4.300 4.300l1.400 1.400M14.300 14.300l1.400 1.400M4.300 15.700l1.400-1.400M14.300 5.700l1.400-1.400',
  moon: 'M16 12.500A7 7 0 0 1 7.500 4 7 7 0 1 0 16 12.500',
  screen: 'M3 4h14v10H3zM7 17h6',
  pause: 'M7 4v12M13 4v12',
  play: 'M6 4l10 6-10 6z',
  up: 'M10 16V4M5 9l5-5 5 5',
  down: 'M10 4v12M5 11l5 5 5-5',
  right: 'M7.500 4.500 13 10l-5.500 5.500',
  left: 'M12.500 4.500 7 10l5.500 5.500',
  chevron: 'M5 7.500 10 12.500l5-5',
  sort: 'M7 8l3-3.500L13 8M7 12l3 3.500L13 12',
  plus: 'M10 4v12M4 10h12',
  trash: 'M4 6h12M8 6V4h4v2M6 6l.7 11h6.600L14 6',
  edit: 'M4 16l.8-3.500L13.500 3.800l2.700 2.700L7.500 15.200z',
  logout: 'M8 3H4v14h4M12 6l4 4-4 4M16 10H8',
  person: 'M10 3a3.200 3.200 0 1 0 0 6.400A3.200 3.200 0 0 0 10 3M3.500 17c.5-3.500 3-5 6.500-5s6 1.500 6.500 5',
  refresh: 'M16 8A6.500 6.500 0 1 0 16.500 11M16.500 4v4h-4',
  link: 'M8 6H4v10h10v-4M11 3.500h5.500V9M16.500 3.500 9 11',
  upload: 'M10 13V3M6 7l4-4 4 4M3.500 13v4h13v-4',
  download: 'M10 3v10M6 9l4 4 4-4M3.500 13v4h13v-4',
  filter: 'M3 4h14l-5.500 7v5.500l-3-1.500V11z',
  info: 'M10 2.500a7.500 7.500 0 1 0 0 15 7.500 7.500 0 0 0 0-15M10 9v5M10 6.300h.01',
  table: 'M3 4h14v12H3zM3 8h14M8 8v8',
  chart: 'M3 15l4.500-5 3.500 3 6-8',
  lock: 'M5 9h10v8H5zM7 9V6.500a3 3 0 0 1 6 0V9',
  bolt: 'M11 2.500 4.500 11.500H9l-.5 6 6.500-9H10.500z',
} as const

export type IconName = keyof typeof paths

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 20 20" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  )
}
