/** Which key a token was used for, and how often, so that the same agent may ask again. Tokens used before have none: nobody may ask again with them. */
export const tokenKeys = `
ALTER TABLE enrolment_tokens ADD COLUMN used_key_digest TEXT;
ALTER TABLE enrolment_tokens ADD COLUMN used_count INTEGER NOT NULL DEFAULT 0;
`;
