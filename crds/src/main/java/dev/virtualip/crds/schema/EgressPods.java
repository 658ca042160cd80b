package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;

/** Pods whose packets leave with a virtual address; needs the API server. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record EgressPods(
    @Required @Size(min = 1) @JsonPropertyDescription("Namespace of the pods.") String namespace,
    @Required
        @ValidationRule(value = LabelSelector.IS_NOT_EMPTY, message = LabelSelector.EMPTY)
        @JsonPropertyDescription("Labels of the pods.")
        LabelSelector selector) {}
