import { FairwayError } from '../../shared/error/error.ts';
import type { AgentAnswer, AgentPort, AgentQuestion } from '../api/ports.ts';
import type { Answer, Question } from '../model/query.ts';
import type { StreamServer } from '../stream/stream-server.ts';

function toQuestion(question: AgentQuestion): Question {
  const { kind, ...rest } = question;
  return { type: kind, ...rest } as Question;
}

function toAnswer(answer: Answer): AgentAnswer {
  if (answer.type === 'adoption') {
    const { findings, truncated } = answer;
    return { kind: 'adoption', findings, truncated };
  }
  if (answer.type === 'run' || answer.type === 'facts')
    throw new FairwayError('internal', `the API asks for no ${answer.type}`);
  const content = Buffer.from(answer.content);
  if (answer.type === 'object') return { kind: 'object', found: answer.found, content };
  if (answer.type === 'logs') return { kind: 'logs', content, truncated: answer.truncated };
  return { kind: 'diagnostics', content };
}

/** The connected agents as the API asks for them. */
export function createAgentPort(stream: StreamServer): AgentPort {
  return {
    sync: (cluster, application) => stream.sync(cluster, application),
    query: async (cluster, question, options) =>
      toAnswer(await stream.query(cluster, toQuestion(question), options)),
    disconnect: (cluster, reason) => stream.disconnect(cluster, reason),
    sessions: () => stream.sessions(),
  };
}
