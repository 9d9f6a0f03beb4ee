import { z } from 'zod';
import { celCharactersMax } from '../../shared/cel/cel.ts';
import { checkHealthExpression } from '../../shared/health/evaluate-rules.ts';

const expressionText = z
  .string()
  .max(celCharactersMax)
  .superRefine((text, context) => {
    const message = text === '' ? undefined : checkHealthExpression(text);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  })
  .meta({ description: 'a CEL expression that is true or false, such as object.status.phase == "Ready"' })
  .default('');

/** One of `spec.health` of an Application: when objects of a kind count as healthy. */
export const healthRule = z
  .strictObject({
    apiVersion: z.string().min(1).max(317),
    kind: z.string().min(1).max(63),
    current: expressionText,
    inProgress: expressionText,
    failed: expressionText,
  })
  .refine(
    ({ current, inProgress, failed }) => current + inProgress + failed !== '',
    'expected at least one of current, inProgress, failed',
  );
