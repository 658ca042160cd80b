package dev.virtualip.agent.cli;

import java.net.InetAddress;
import java.net.InetSocketAddress;

/** HOST:PORT of an option, as in {@code 127.0.0.1:9405}; a name would need the DNS. */
public final class Endpoint {
  private Endpoint() {}

  /**
   * Reads it.
   *
   * @param option the option's name, for the error
   * @param example what to write instead, for the error
   * @throws IllegalArgumentException if it is none
   */
  public static InetSocketAddress parse(String option, String text, String example) {
    int colon = text.lastIndexOf(':');
    try {
      return new InetSocketAddress(
          InetAddress.ofLiteral(text.substring(0, colon)),
          Integer.parseInt(text.substring(colon + 1)));
    } catch (IndexOutOfBoundsException | IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "%s %s: give an IP address and a port, as in %s".formatted(option, text, example), e);
    }
  }
}
