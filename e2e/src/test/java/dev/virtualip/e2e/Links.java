package dev.virtualip.e2e;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** Links and headings of Markdown pages, as GitHub sees them. */
final class Links {
  private static final Pattern FENCE = Pattern.compile("(?ms)^( *)```.*?^\\1```\\s*$");
  private static final Pattern CODE = Pattern.compile("`[^`\n]*`");
  private static final Pattern LINK = Pattern.compile("!?\\[[^\\]]*\\]\\(([^)\\s]+)\\)");
  private static final Pattern HEADING = Pattern.compile("(?m)^#{1,6} (.*)$");

  private Links() {}

  /** Where the links of a page lead to; what is in code is no link. */
  static List<String> of(String page) {
    var text = CODE.matcher(FENCE.matcher(page).replaceAll("")).replaceAll("code");
    var targets = new ArrayList<String>();
    LINK.matcher(text).results().forEach(link -> targets.add(link.group(1)));
    return targets;
  }

  /** The anchors that a page's headings have; of equal ones the later have a number. */
  static Set<String> anchors(String page) {
    var seen = new HashMap<String, Integer>();
    var anchors = new HashSet<String>();
    HEADING
        .matcher(FENCE.matcher(page).replaceAll(""))
        .results()
        .map(heading -> anchor(heading.group(1)))
        .forEach(
            a ->
                anchors.add(seen.merge(a, 1, Integer::sum) == 1 ? a : a + "-" + (seen.get(a) - 1)));
    return anchors;
  }

  /** The anchor of a heading: lower case, without punctuation, with hyphens for spaces. */
  static String anchor(String heading) {
    return heading
        .replaceAll("\\[([^\\]]*)\\]\\([^)]*\\)", "$1")
        .toLowerCase(Locale.ROOT)
        .replaceAll("[^\\p{L}\\p{N} _-]", "")
        .strip()
        .replace(' ', '-');
  }
}
