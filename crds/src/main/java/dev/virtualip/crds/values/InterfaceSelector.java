package dev.virtualip.crds.values;

import java.util.Collection;
import java.util.regex.Pattern;

/**
 * Names a NIC that is called differently from node to node: its name or altname, a glob such as
 * {@code enp*s0}, or a prefix that an address of the NIC is in, such as {@code 10.0.0.0/24}.
 *
 * @param text as the user wrote it
 */
public record InterfaceSelector(String text) {
  /** What may be one: a Linux interface name, altname or glob, or a prefix. */
  public static final String PATTERN = "^([^/:\\s]{1,127}|[0-9a-fA-F.:]+/[0-9]{1,3})$";

  /** Whether it is a name and nothing more. */
  public boolean isName() {
    return text.chars().noneMatch(c -> c == '*' || c == '?' || c == '/');
  }

  /**
   * Whether a NIC is meant.
   *
   * @param name its name, or its altname
   * @param addresses its own addresses, virtual ones aside
   * @throws IllegalArgumentException if the text is a prefix that cannot be read
   */
  public boolean matches(String name, Collection<IpPrefix> addresses) {
    if (text.indexOf('/') >= 0) {
      var prefix = IpPrefix.parse(text);
      return addresses.stream().anyMatch(address -> prefix.contains(address.address()));
    }
    return isName() ? text.equals(name) : glob().matcher(name).matches();
  }

  private Pattern glob() {
    var regex = new StringBuilder();
    text.chars()
        .forEach(
            c ->
                regex.append(
                    c == '*' ? ".*" : c == '?' ? "." : Pattern.quote(Character.toString(c))));
    return Pattern.compile(regex.toString());
  }
}
