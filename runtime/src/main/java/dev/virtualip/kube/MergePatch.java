package dev.virtualip.kube;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** JSON merge patches (RFC 7396). */
public final class MergePatch {
  private static final JsonMapper JSON = new JsonMapper();

  private MergePatch() {}

  /**
   * A patch after which a value is what it is here: a merge patch keeps fields that it does not
   * name, so those without a value are set to null, also within its fields.
   */
  public static ObjectNode whole(Record value) {
    ObjectNode tree = JSON.valueToTree(value);
    nameAll(tree, value.getClass());
    return tree;
  }

  private static void nameAll(ObjectNode tree, Class<?> type) {
    for (var field : type.getRecordComponents()) {
      if (tree.get(field.getName()) instanceof ObjectNode inner && field.getType().isRecord()) {
        nameAll(inner, field.getType());
      } else if (!tree.has(field.getName())) {
        tree.putNull(field.getName());
      }
    }
  }
}
