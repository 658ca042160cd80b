package dev.virtualip.crds.check;

/**
 * Something about a VirtualIP that keeps it from running.
 *
 * @param kind whose fault it is; all problems of one object are of one kind
 * @param path the field, as in {@code spec.addresses[0].address}
 * @param message what is wrong and what to do, one line
 */
public record Problem(Kind kind, String path, String message) {
  /** What has to change; the reasons of the condition {@code Accepted} have the same names. */
  public enum Kind {
    /** The object itself, or what it refers to. */
    Invalid,
    /** This object or another one: the other has what this one wants. */
    Conflict,
    /** The object or the node: the node has no such NIC. */
    InterfaceNotFound,
    /** The object or the nodes: it selects none of them. */
    NoNodeSelected
  }

  /** Something wrong with the object itself. */
  public Problem(String path, String message) {
    this(Kind.Invalid, path, message);
  }

  @Override
  public String toString() {
    return path + ": " + message;
  }
}
