/** Credentials as a port: bound to URL prefixes in the hub's own configuration, so that a commit cannot send one elsewhere. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface CredentialSource {
  /** For the longest prefix that matches the URL; undefined: ask without. Read anew at each call, so that a rotated file counts. @throws failed_precondition when the named file or variable is missing. */
  forUrl(url: string): Promise<Credentials | undefined>;
}
