import type { HubConfig } from './config.ts';

/**
 * The configuration as it may be printed and logged. It holds no secret values; but the path and query of a notification's URL often are one (as in chat
 * services' incoming webhooks), so only the host is left.
 */
export function redactConfig(config: HubConfig): HubConfig {
  return {
    ...config,
    notifications: config.notifications.map((notification) => ({
      ...notification,
      url: redactUrl(notification.url),
    })),
  };
}

function redactUrl(text: string): string {
  const url = URL.parse(text);
  return url ? `${url.protocol}//${url.host}/***` : '***';
}
