// How models did in the last minutes, from counts that only grow.

const MOST = 150;
// Of fewer requests than come in one turn, percentiles would jump.
const WINDOW = 5;
export const QUANTILES = { p50: 0.5, p95: 0.95, p99: 0.99 };

const sum = (values) => values.reduce((total, value) => total + value, 0);
export const countOf = (histogram) => sum(histogram.counts);

/** What a share of the values is not larger than: a straight line within a bucket; null of none. */
export function quantile({ bounds, counts }, share) {
  const rank = share * sum(counts);
  if (!rank) return null;
  let below = 0;
  for (let place = 0; place < bounds.length; place += 1) {
    const count = counts[place];
    if (count && below + count >= rank) {
      const start = place ? bounds[place - 1] : 0;
      return start + ((bounds[place] - start) * (rank - below)) / count;
    }
    below += count;
  }
  return bounds[bounds.length - 1];
}

const difference = (now, before) => ({
  bounds: now.bounds,
  counts: now.counts.map((count, place) => count - before.counts[place]),
  total: now.total - before.total,
});

/** How many answers had a status of this hundred and up. */
export const answered = (model, from = 0) => sum(
  Object.entries(model.requests).filter(([code]) => Number(code) >= from).map(([, count]) => count));

export class History {
  constructor() {
    this.states = [];
  }

  add(state) {
    // Another server, which has begun to count anew. What is no state is not kept.
    if (state.server.clock < this.latest?.server.clock) this.states = [];
    this.states.push(state);
    if (this.states.length > MOST) this.states.shift();
  }

  get latest() {
    return this.states[this.states.length - 1];
  }

  /** What plots have of a model: a value for each state but the first, null where there is none. */
  series(name) {
    const found = { seconds: [], rate: [], failures: [], waiting: [], inFlight: [], batch: [], p50: [], p95: [], p99: [] };
    for (let place = 1; place < this.states.length; place += 1) {
      const now = this.states[place].models[name];
      const before = this.states[place - 1].models[name];
      const long = this.states[Math.max(0, place - WINDOW)].models[name] || before;
      found.seconds.push(this.states[place].server.clock - this.latest.server.clock);
      if (!now || !before) {
        for (const [key, values] of Object.entries(found)) if (key !== 'seconds') values.push(null);
        continue;
      }
      const took = this.states[place].server.clock - this.states[place - 1].server.clock;
      found.rate.push((answered(now) - answered(before)) / took);
      found.failures.push((answered(now, 400) - answered(before, 400)) / took);
      found.waiting.push(now.waiting);
      found.inFlight.push(now.inFlight);
      const batches = difference(now.batches, long.batches);
      const count = countOf(batches);
      found.batch.push(count ? batches.total / count : null);
      const times = difference(now.seconds, long.seconds);
      for (const [key, share] of Object.entries(QUANTILES)) found[key].push(quantile(times, share));
    }
    return found;
  }
}
