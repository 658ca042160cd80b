package dev.virtualip.agent.cli;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;

/**
 * Sets options of a well-formed command line without picocli. The JVM's class cache cannot hold
 * picocli, which is compiled for an old Java, so an agent would start later and be larger
 * (docs/design/050). Picocli still has the help, and every command line that is not as plain.
 */
final class PlainOptions {
  private PlainOptions() {}

  /**
   * Sets the fields that arguments name: {@code --state-dir=X} or {@code --state-dir X} sets {@code
   * stateDir}, a String or a Path, and {@code --second} a boolean.
   *
   * @return false if any argument is something else, as an option given twice or without its value;
   *     then the options may have been set in part
   */
  static boolean read(List<String> arguments, Object options) {
    var fields = fields(options.getClass());
    var given = new HashSet<String>();
    var rest = arguments.iterator();
    while (rest.hasNext()) {
      var argument = rest.next();
      int equals = argument.indexOf('=');
      var name = equals < 0 ? argument : argument.substring(0, equals);
      var field = fields.get(name);
      if (field == null || !given.add(name)) {
        return false;
      }
      if (field.getType() == boolean.class) {
        if (equals >= 0) {
          return false;
        }
        set(field, options, true);
        continue;
      }
      var value = equals >= 0 ? argument.substring(equals + 1) : rest.hasNext() ? rest.next() : "";
      if (value.isEmpty() || value.startsWith("-")) {
        return false;
      }
      set(field, options, field.getType() == Path.class ? Path.of(value) : value);
    }
    return true;
  }

  private static Map<String, Field> fields(Class<?> type) {
    var fields = new HashMap<String, Field>();
    for (var of = type; of != Object.class; of = of.getSuperclass()) {
      for (var field : of.getDeclaredFields()) {
        if (!Modifier.isStatic(field.getModifiers())) {
          fields.put(option(field.getName()), field);
        }
      }
    }
    return fields;
  }

  /** {@code --state-dir} of {@code stateDir}. */
  private static String option(String field) {
    var option = new StringBuilder("--");
    for (char c : field.toCharArray()) {
      option.append(Character.isUpperCase(c) ? "-" + Character.toLowerCase(c) : String.valueOf(c));
    }
    return option.toString();
  }

  private static void set(Field field, Object options, Object value) {
    try {
      field.setAccessible(true);
      field.set(options, value);
    } catch (IllegalAccessException e) {
      throw new AssertionError(e);
    }
  }
}
