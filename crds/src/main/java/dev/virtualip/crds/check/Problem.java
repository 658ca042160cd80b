package dev.virtualip.crds.check;

/**
 * A problem of a VirtualIP that keeps it from running.
 *
 * @param kind what has to change; all problems of one object are of one kind
 * @param path path of the field, as in {@code spec.addresses[0].address}
 * @param message what is wrong and what to do, one line
 */
public record Problem(Kind kind, String path, String message) {
  /** What has to change; the reasons of the condition {@code Accepted} have the same names. */
  public enum Kind {
    /** The object itself, or an object that it refers to. */
    Invalid,
    /** This object, or another one that it conflicts with. */
    Conflict,
    /** The object or the node, which has no such NIC. */
    InterfaceNotFound,
    /** The object or the nodes, as it selects none of them. */
    NoNodeSelected,
    /** This object, or a VirtualIPPool that is to allow it. */
    OutsidePools
  }

  /** A problem of the kind {@link Kind#Invalid}. */
  public Problem(String path, String message) {
    this(Kind.Invalid, path, message);
  }

  @Override
  public String toString() {
    return path + ": " + message;
  }
}
