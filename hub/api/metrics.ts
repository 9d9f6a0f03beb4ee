import { Counter, Gauge, Histogram } from 'prom-client';
import type { ApiPorts } from './ports.ts';

export interface ApiMetrics {
  /** `route` is the pattern, never the path: a metric must not grow with what is asked. */
  observe(request: {
    readonly method: string;
    readonly route: string;
    readonly status: number;
    readonly seconds: number;
  }): void;
  refused(code: string): void;
  streams(change: 1 | -1): void;
}

export function createApiMetrics({ metrics }: Pick<ApiPorts, 'metrics'>): ApiMetrics {
  const registers = [metrics];
  const requests = new Counter({
    name: 'fairway_http_requests_total',
    help: 'Requests to the HTTP API.',
    labelNames: ['method', 'route', 'status'],
    registers,
  });
  const durations = new Histogram({
    name: 'fairway_http_request_duration_seconds',
    help: 'Time to the start of the answer.',
    labelNames: ['route'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30],
    registers,
  });
  const refusals = new Counter({
    name: 'fairway_http_refused_total',
    help: 'Requests refused for want of a valid token or of its scope.',
    labelNames: ['code'],
    registers,
  });
  const streams = new Gauge({
    name: 'fairway_event_streams',
    help: 'Clients that follow the event stream now.',
    registers,
  });
  return {
    observe({ method, route, status, seconds }) {
      requests.inc({ method, route, status: String(status) });
      durations.observe({ route }, seconds);
    },
    refused: (code) => refusals.inc({ code }),
    streams: (change) => streams.inc(change),
  };
}
