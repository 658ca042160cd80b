package dev.virtualip.crds.values;

import java.util.Collection;
import java.util.regex.Pattern;

/**
 * Selects a NIC, whose name may differ from node to node: by its name or altname, by a glob such as
 * {@code enp*s0}, or by a prefix that contains one of its addresses, such as {@code 10.0.0.0/24}.
 *
 * @param text as the user wrote it
 */
public record InterfaceSelector(String text) {
  /** Pattern of a selector: a Linux interface name, altname or glob, or a prefix. */
  public static final String PATTERN = "^([^/:\\s]{1,127}|[0-9a-fA-F.:]+/[0-9]{1,3})$";

  /** Whether it is a plain name, neither a glob nor a prefix. */
  public boolean isName() {
    return text.chars().noneMatch(c -> c == '*' || c == '?' || c == '/');
  }

  /**
   * Whether it selects a NIC.
   *
   * @param name name of the NIC, or an altname of it
   * @param addresses the NIC's own addresses, without virtual ones
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
