package dev.virtualip.vip.keepalived;

/** A configuration that cannot be read. The message has file, line and column, and what to do. */
public final class SyntaxException extends Exception {
  private static final long serialVersionUID = 1L;

  SyntaxException(Place place, String message) {
    super("%s:%d:%d: %s".formatted(place.file(), place.line(), place.column(), message));
  }
}
