import { z } from 'zod';
import { labelValue, listMax, variables } from './common-schemas.ts';

/** `spec` of a Cluster. */
export const clusterSpec = z
  .strictObject({
    region: labelValue.default(''),
    role: z.enum(['primary', 'standby', 'none']).default('none'),
    variables,
    kubernetes: z
      .strictObject({
        version: z
          .string()
          .regex(/^v?\d+\.\d+(?:\.\d+)?(?:[-+][\w.+-]*)?$/)
          .meta({ description: 'a Kubernetes version such as 1.36.3' })
          .optional(),
        apiVersions: z
          .array(
            z
              .string()
              .regex(/^(?:[a-z0-9.-]{1,253}\/)?v[a-z0-9]{1,62}(?:\/[A-Za-z0-9]{1,63})?$/)
              .meta({ description: 'an API version such as monitoring.coreos.com/v1' }),
          )
          .max(listMax)
          .default([]),
      })
      .prefault({}),
    paused: z.boolean().default(false),
  })
  .prefault({});
