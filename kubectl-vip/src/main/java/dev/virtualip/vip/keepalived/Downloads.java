package dev.virtualip.vip.keepalived;

import dev.virtualip.vip.keepalived.Idioms.Check;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Recognises pages that curl and wget ask for. */
final class Downloads {
  /** Letters of options that are on or off, and change nothing that matters. */
  private static final String PLAIN = "sSvqN46";

  private static final Set<String> PLAIN_LONG =
      Set.of(
          "--silent",
          "--show-error",
          "--quiet",
          "--no-verbose",
          "--no-buffer",
          "--ipv4",
          "--ipv6",
          "--no-proxy",
          "--no-cache");

  private final Directive from;
  private final String own;
  private final List<String> how = new ArrayList<>();
  private String url;
  private String timeout;
  private String hostHeader;
  private boolean insecure;
  private boolean fail;
  private boolean unknown;

  Downloads(Directive from, String own) {
    this.from = from;
    this.own = own;
  }

  /** What curl with these arguments asks. */
  Optional<Check> curl(List<String> arguments) {
    for (int i = 0; i < arguments.size(); i++) {
      var word = arguments.get(i);
      var next = i + 1 < arguments.size() ? arguments.get(i + 1) : "";
      if (word.startsWith("--")) {
        i += longOption(word, next) ? 1 : 0;
      } else if (word.startsWith("-")) {
        i += cluster(word, next) ? 1 : 0;
      } else {
        setUrl(word);
      }
    }
    if (!fail) {
      how.add("curl without -f takes any status, and so does the check");
    }
    return check(fail ? null : "100-599");
  }

  /** What wget with these arguments asks. */
  Optional<Check> wget(List<String> arguments) {
    fail = true;
    for (int i = 0; i < arguments.size(); i++) {
      var word = arguments.get(i).replaceFirst("^-q+(?=[TO])", "-");
      var next = i + 1 < arguments.size() ? arguments.get(i + 1) : "";
      if (Set.of("-t", "--tries", "-O", "--output-document", "-o").contains(word)) {
        i++;
      } else if (word.matches("-T.*|--timeout(=.*)?")) {
        var value = word.replaceFirst("^(-T|--timeout=?)", "");
        timeout = Reading.duration(value.isEmpty() ? next : value);
        i += value.isEmpty() ? 1 : 0;
      } else if (word.equals("--spider")) {
        how.add("GET instead of HEAD");
      } else if (word.equals("--no-check-certificate")) {
        insecure = true;
      } else if (word.startsWith("--header")) {
        header(word.contains("=") ? word.substring(word.indexOf('=') + 1) : next);
        i += word.contains("=") ? 0 : 1;
      } else if (word.matches("-O.+|-nv|--tries=.*|--output-document=.*|-t[0-9]+")) {
        continue;
      } else if (word.startsWith("-")) {
        unknown |= !PLAIN_LONG.contains(word) && !word.matches("-[" + PLAIN + "]+");
      } else {
        setUrl(word);
      }
    }
    how.add("redirects are not followed");
    return check(null);
  }

  /** Reads a long option; returns whether it takes the next word. */
  private boolean longOption(String word, String next) {
    var name = word.replaceFirst("=.*", "");
    boolean inline = word.contains("=");
    var value = inline ? word.substring(word.indexOf('=') + 1) : next;
    switch (name) {
      case "--fail", "--fail-with-body" -> fail = true;
      case "--insecure" -> insecure = true;
      case "--head" -> how.add("GET instead of HEAD");
      case "--location" -> how.add("redirects are not followed");
      case "--url" -> setUrl(value);
      case "--header" -> header(value);
      case "--max-time", "--connect-timeout" -> timeout = Reading.duration(value);
      case "--output", "--user-agent", "--write-out", "--retry", "--noproxy" -> {}
      default -> {
        unknown |= !PLAIN_LONG.contains(word);
        return false;
      }
    }
    return !inline
        && !Set.of("--fail", "--fail-with-body", "--insecure", "--head", "--location")
            .contains(name);
  }

  /** Reads letters behind one dash; returns whether the last one takes the next word. */
  private boolean cluster(String word, String next) {
    for (int i = 1; i < word.length(); i++) {
      char letter = word.charAt(i);
      if ("omHAwX".indexOf(letter) >= 0) {
        var rest = word.substring(i + 1);
        valued(letter, rest.isEmpty() ? next : rest);
        return rest.isEmpty();
      }
      switch (letter) {
        case 'f' -> fail = true;
        case 'k' -> insecure = true;
        case 'I' -> how.add("GET instead of HEAD");
        case 'L' -> how.add("redirects are not followed");
        default -> unknown |= PLAIN.indexOf(letter) < 0;
      }
    }
    return false;
  }

  private void valued(char letter, String value) {
    switch (letter) {
      case 'm' -> timeout = Reading.duration(value);
      case 'H' -> header(value);
      case 'X' -> unknown |= !value.equals("GET");
      default -> {}
    }
  }

  private void header(String value) {
    var parts = value.split(":\\s*", 2);
    unknown |= !parts[0].equalsIgnoreCase("host") || parts.length < 2;
    hostHeader = parts.length < 2 ? null : parts[1].strip();
  }

  private void setUrl(String word) {
    unknown |= url != null;
    url = word;
  }

  private Optional<Check> check(String statuses) {
    if (unknown || url == null) {
      return Optional.empty();
    }
    try {
      var uri = new URI(url.contains("://") ? url : "http://" + url);
      var host = uri.getHost() == null ? "" : uri.getHost().replaceAll("[\\[\\]]", "");
      boolean https = "https".equals(uri.getScheme());
      if (!https && !"http".equals(uri.getScheme())
          || !Idioms.isAddress(host)
          || uri.getUserInfo() != null) {
        return Optional.empty();
      }
      var http = new Fields().put("scheme", https ? "HTTPS" : null, from);
      http.values().putAll(Idioms.at(host, own, from).values());
      http.put("port", uri.getPort() < 0 ? null : (Object) uri.getPort(), from);
      var path = uri.getRawPath() + (uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery());
      http.put("path", path.isEmpty() || path.equals("/") ? null : path, from);
      http.put("hostHeader", hostHeader, from);
      http.put("statuses", statuses, from);
      if (https && !insecure) {
        http.in("tls", from).put("verify", true, from);
      }
      return Optional.of(new Check("http", http, timeout, List.copyOf(how)));
    } catch (URISyntaxException e) {
      return Optional.empty();
    }
  }
}
