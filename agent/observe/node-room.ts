/** What pods ask of nodes, as numbers that can be added up. Pure. */
export interface Room {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly pods: number;
  /** Disk of the node's own, huge pages and devices, by the resource's name. */
  readonly others: Readonly<Record<string, number>>;
}

export const noRoom: Room = { cpuMillis: 0, memoryBytes: 0, pods: 0, others: {} };

function combine(a: Room, b: Room, by: (x: number, y: number) => number): Room {
  const names = new Set([...Object.keys(a.others), ...Object.keys(b.others)]);
  return {
    cpuMillis: by(a.cpuMillis, b.cpuMillis),
    memoryBytes: by(a.memoryBytes, b.memoryBytes),
    pods: by(a.pods, b.pods),
    others: Object.fromEntries(
      [...names].map((name) => [name, by(a.others[name] ?? 0, b.others[name] ?? 0)]),
    ),
  };
}

export const addRooms = (a: Room, b: Room): Room => combine(a, b, (x, y) => x + y);

/** Of each resource the larger amount. */
export const largerRoom = (a: Room, b: Room): Room => combine(a, b, Math.max);

export const atLeastNothing = (room: Room): Room => largerRoom(room, noRoom);

export const timesRoom = (room: Room, count: number): Room => combine(room, noRoom, (x) => x * count);
