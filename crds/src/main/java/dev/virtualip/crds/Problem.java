package dev.virtualip.crds;

/**
 * Something about a VirtualIP that keeps it from running.
 *
 * @param path the field, as in {@code spec.addresses[0].address}
 * @param message what is wrong and what to do, one line
 */
public record Problem(String path, String message) {
  @Override
  public String toString() {
    return path + ": " + message;
  }
}
