package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;

/** A key of a Secret. */
public record SecretKey(
    @Required
        @Size(min = 1)
        @JsonPropertyDescription(
            "Name of the Secret, in the namespace of operator and agents (virtualip-system).")
        String name,
    @Required @Size(min = 1) @JsonPropertyDescription("Key in the Secret's data.") String key) {}
