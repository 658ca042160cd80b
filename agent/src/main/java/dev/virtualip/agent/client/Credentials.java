package dev.virtualip.agent.client;

import java.util.Objects;

/**
 * As whom the agent speaks to the API server, and whom it trusts, as read from files. Each part may
 * be null.
 *
 * @param authority certificates that the server's is to be signed by, PEM; null for the JVM's
 * @param certificate the client's, PEM
 * @param key the client's private key, PEM
 * @param token of a service account or a user
 */
record Credentials(String authority, String certificate, String key, String token) {
  /** Whether only the token differs, if anything. */
  boolean areOfTheSameTls(Credentials other) {
    return Objects.equals(authority, other.authority)
        && Objects.equals(certificate, other.certificate)
        && Objects.equals(key, other.key);
  }

  /** Without what is secret. */
  @Override
  public String toString() {
    return "credentials";
  }
}
