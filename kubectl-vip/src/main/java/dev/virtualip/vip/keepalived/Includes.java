package dev.virtualip.vip.keepalived;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.PatternSyntaxException;

/**
 * Finds the files that an include names.
 *
 * @param root folder that stands for /, or null: then absolute paths are what they are
 * @param confined whether relative paths, too, have to stay below the root
 */
record Includes(Path root, boolean confined) {
  private static final int FILES_MAX = 1000;
  private static final int ALTERNATIVES_MAX = 100;

  /**
   * The files that match, sorted, none if there are none.
   *
   * @param pattern a path with wildcards as in a shell
   * @param folder of the including file
   */
  List<Path> matching(String pattern, Path folder) {
    var files = new ArrayList<Path>();
    for (var one : alternatives(pattern)) {
      try {
        find(start(one, folder), one.split("/+"), 0, files);
      } catch (InvalidPathException | PatternSyntaxException e) {
        // No file has such a name.
        continue;
      }
    }
    return files;
  }

  /** Whether the folder is there that the last part of a pattern is in. */
  boolean hasFolder(String pattern, Path folder) {
    int slash = pattern.lastIndexOf('/');
    try {
      return slash < 0 || Files.isDirectory(resolve(pattern.substring(0, slash + 1), folder));
    } catch (InvalidPathException e) {
      return false;
    }
  }

  /** An absolute path, below the root. */
  Path resolve(String path, Path folder) {
    return path.startsWith("/") && root != null
        ? root.resolve(path.substring(1))
        : folder.resolve(path);
  }

  /** What a folder is called on the host that the root is a copy of. */
  String onHost(Path folder) {
    var inner = folder.toAbsolutePath().normalize();
    var top = root == null ? null : root.toAbsolutePath().normalize();
    return (top != null && inner.startsWith(top)
            ? Path.of("/").resolve(top.relativize(inner))
            : inner)
        .toString();
  }

  private Path start(String pattern, Path folder) {
    return !pattern.startsWith("/") ? folder : root == null ? Path.of("/") : root;
  }

  private void find(Path folder, String[] parts, int index, List<Path> files) {
    if (files.size() >= FILES_MAX) {
      return;
    }
    if (index == parts.length) {
      if (Files.isRegularFile(folder) && isInside(folder)) {
        files.add(folder);
      }
    } else if (parts[index].isEmpty()) {
      find(folder, parts, index + 1, files);
    } else if (parts[index].matches("[^*?\\[\\]]*")) {
      find(folder.resolve(parts[index]), parts, index + 1, files);
    } else {
      for (var child : children(folder, parts[index])) {
        find(child, parts, index + 1, files);
      }
    }
  }

  /** A path that climbs out of the root is of no configuration below it. */
  private boolean isInside(Path file) {
    return !confined
        || file.toAbsolutePath().normalize().startsWith(root.toAbsolutePath().normalize());
  }

  private static List<Path> children(Path folder, String glob) {
    var matcher = FileSystems.getDefault().getPathMatcher("glob:" + glob.replace("\\", "\\\\"));
    try (var all = Files.list(folder)) {
      return all.filter(
              child -> {
                var name = child.getFileName();
                return matcher.matches(name)
                    && (glob.startsWith(".") || !name.toString().startsWith("."));
              })
          .sorted()
          .toList();
    } catch (IOException e) {
      return List.of();
    }
  }

  /** The patterns that braces stand for: {@code a{b,c}} for {@code ab} and {@code ac}. */
  private static List<String> alternatives(String pattern) {
    var done = new ArrayList<String>();
    var left = new ArrayList<>(List.of(pattern));
    while (!left.isEmpty() && done.size() + left.size() < ALTERNATIVES_MAX) {
      var one = left.removeFirst();
      int end = one.indexOf('}');
      int begin = end < 0 ? -1 : one.lastIndexOf('{', end);
      if (begin < 0) {
        done.add(one);
        continue;
      }
      var inner = new ArrayList<String>();
      for (var word : one.substring(begin + 1, end).split(",", -1)) {
        inner.add(one.substring(0, begin) + word + one.substring(end + 1));
      }
      left.addAll(0, inner);
    }
    done.addAll(left);
    return done;
  }
}
