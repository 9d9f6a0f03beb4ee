import { describe, expect, it } from 'vitest';
import { noWork } from '../../render/render-work.ts';
import { createRevisionWork } from './revision-work.ts';

describe('createRevisionWork', () => {
  it('adds up what one revision took, and begins anew with the next', () => {
    const works = createRevisionWork();
    expect(works.current()).toEqual(noWork());
    works.add('one', { ...noWork(), filesRead: 2 });
    works.add('one', { ...noWork(), filesRead: 1, directoriesBuilt: 1 });
    expect(works.current()).toMatchObject({ filesRead: 3, directoriesBuilt: 1 });
    works.add('two', { ...noWork(), bytesParsed: 5 });
    expect(works.current()).toEqual({ ...noWork(), bytesParsed: 5 });
  });
});
