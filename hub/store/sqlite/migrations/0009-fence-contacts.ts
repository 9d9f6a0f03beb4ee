/** What each agent has promised of fencing, and when. */
export const fenceContacts = `
ALTER TABLE clusters ADD COLUMN fence TEXT;
`;
