// Numbers as people read them.

const rounded = (value, digits = 3) => Number(value.toPrecision(digits)).toLocaleString('en', { maximumFractionDigits: 6 });

export const NONE = '–';
export const number = (value) => (value === null || value === undefined ? NONE : value.toLocaleString('en'));

export function seconds(value) {
  if (value === null || value === undefined) return NONE;
  if (value < 1) return `${rounded(value * 1000)} ms`;
  return value < 120 ? `${rounded(value)} s` : `${rounded(value / 60)} min`;
}

export function rate(value) {
  if (value === null || value === undefined) return NONE;
  return `${value < 100 ? rounded(value) : Math.round(value).toLocaleString('en')}/s`;
}

export function plain(value) {
  return value === null || value === undefined ? NONE : rounded(value);
}

export function bytes(value) {
  if (!value) return NONE;
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  const place = Math.min(units.length - 1, Math.floor(Math.log(value) / Math.log(1024)));
  return `${rounded(value / 1024 ** place)} ${units[place]}`;
}

export function percent(value) {
  if (value >= 0.9995) return '100%';
  return value && value < 0.0005 ? '< 0.1%' : `${(value * 100).toFixed(1)}%`;
}

export function ago(since) {
  if (!since) return NONE;
  const passed = Math.max(0, Date.now() / 1000 - since);
  for (const [size, name] of [[86400, 'day'], [3600, 'hour'], [60, 'minute']]) {
    const count = Math.floor(passed / size);
    if (count) return `${count} ${name}${count > 1 ? 's' : ''}`;
  }
  return 'less than a minute';
}

export const shape = (sizes) => (sizes.length ? sizes.map((size) => size || 'any').join(' × ') : 'one number');
