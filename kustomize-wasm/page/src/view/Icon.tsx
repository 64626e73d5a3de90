const PATHS = {
  folder: 'M3 6.5A1.5 1.5 0 0 1 4.5 5h4l2 2.5h9A1.5 1.5 0 0 1 21 9v9.5a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 18.5z',
  file: 'M6 3.5h8l4.5 4.5v12.5H6zM13.5 3.5V8.5h5',
  layers: 'm12 3.5 9 5-9 5-9-5zM3.5 13l8.5 4.7 8.5-4.7M3.5 17l8.5 4.7 8.5-4.7',
  error: 'M12 7.5v5.5m0 3.2v.1M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17z',
  warning: 'M12 9.5v4.5m0 3v.1M12 4l9 16H3z',
  share: 'M9.5 14.5 14.5 9.5M8 11 5.5 13.5a3.9 3.9 0 0 0 5.5 5.5L13.5 16.500M16 13l2.5-2.500a3.9 3.9 0 0 0-5.5-5.500L10.5 7.5',
  download: 'M12 4v11m-4.5-4.500L12 15l4.5-4.500M4.5 19.500h15',
  sun: 'M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM12 2.500v2.500m0 14v2.500M2.5 12H5m14 0h2.500M5.3 5.3 7 7m10 10 1.7 1.700M18.7 5.3 17 7M7 17l-1.7 1.7',
  moon: 'M20 14.500A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.500z',
  swap: 'M7 4 3.5 7.5 7 11M3.5 7.500H20M17 13l3.5 3.500L17 20M20.5 16.500H4',
  spark: 'M12 3.5 14 10l6.5 2-6.5 2-2 6.500L10 14l-6.5-2L10 10z',
  zip: 'M6 3.500h12v17H6zM12 3.500v2m0 2v2m0 2v2m-1 2.500h2v3h-2z',
  keyboard: 'M3 6.500h18v11H3zM7 10.500h.1m3.3 0h.1m3.3 0h.1m3.3 0h.1M8 14h8',
  chevron: 'm9 6 6 6-6 6',
  copy: 'M9 8.5h10.500v12H9zM15 8.5V3.500H4.500v12H9',
  plus: 'M12 5v14M5 12h14',
  pencil: 'M5 19l.8-3.800L15.500 5.500l3 3L8.800 18.200zM13.500 7.500l3 3',
  trash: 'M5 7h14M9.500 7V4.500h5V7M7 7l.8 13h8.400L17 7M10.500 10.500v6m3-6v6',
  close: 'm6 6 12 12M18 6 6 18',
  check: 'm5 12.5 4.5 4.500L19 7.5',
} as const;

/** A line icon, drawn at the size of the text. */
export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
