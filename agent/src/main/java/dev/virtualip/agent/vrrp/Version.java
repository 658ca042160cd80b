package dev.virtualip.agent.vrrp;

/** Protocol version, the high nibble of a message's first byte. */
public enum Version {
  /** RFC 3768; intervals are whole seconds, and a simple text password is possible. */
  V2(2),
  /** RFC 9568 (and RFC 5798 before it); intervals are centiseconds. */
  V3(3);

  private final int number;

  Version(int number) {
    this.number = number;
  }

  /** 2 or 3. */
  public int number() {
    return number;
  }

  /**
   * The version with a number.
   *
   * @param number 2 or 3
   * @throws IllegalArgumentException for any other number
   */
  public static Version of(int number) {
    return switch (number) {
      case 2 -> V2;
      case 3 -> V3;
      default -> throw new IllegalArgumentException("there is no VRRP version " + number);
    };
  }
}
