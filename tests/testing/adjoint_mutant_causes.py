"""What is wrong with each mutant of `adjoint_mutants`, by the code that the diagnosis should give it, and where it shows.

A case is named by the operation, and then by the convolution; ``e`` is the output padding.
"""

from __future__ import annotations

from mutant_causes import Expected

TRANSPOSED = "conv_transpose2d-n2-c6-o4-g2-5x7-k2x3-s2x1-p1x0-e1x0-d1x2-bias-f32"
INPUT = "conv2d_input-n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-f32"
WEIGHT = "conv2d_weight-n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-f32"
_NAN = "n1-c2-o3-g1-7x8-k3x2-s2x1-p0-d1-f32-nan"
_SIDES = "n1-c2-o3-g1-9x11-k3-s2-p1+0x0+2-d1"


def operation(expected: Expected) -> str:
    return expected.case.partition("-")[0]


CAUSES = {
    "padding_on_input": Expected("padding-on-input", TRANSPOSED),
    "padding_on_input_then_cropped": Expected("padding-on-input", TRANSPOSED),
    "stuffed_padded_by_the_padding": Expected("padding-not-turned-round", TRANSPOSED),
    "nothing_cropped": Expected("padding-missing", TRANSPOSED),
    "padding_sides_swapped": Expected("padding-sides-swapped", f"conv_transpose2d-{_SIDES}-bias-f32"),
    "output_padding_zero": Expected("output-padding-zero-filled", TRANSPOSED),
    "output_padding_holds_the_bias": Expected("output-padding-bias-alone", TRANSPOSED),
    "output_padding_before": Expected("output-padding-before", TRANSPOSED),
    "output_padding_on_input": Expected("output-padding-on-input", TRANSPOSED),
    "output_padding_ignored": Expected("output-padding-missing", TRANSPOSED),
    "kernel_not_flipped": Expected("kernel-flipped", TRANSPOSED),
    "stride_and_dilation_swapped": Expected("stride-and-dilation-swapped", TRANSPOSED),
    "stuffed_with_stride_zeros": Expected("stuffed-with-stride-zeros", TRANSPOSED),
    "stride_ignored": Expected("stride-ignored", TRANSPOSED),
    "dilation_ignored": Expected("dilation-ignored", TRANSPOSED),
    "overlaps_overwritten": Expected("overlaps-overwritten", TRANSPOSED),
    "all_groups_read_the_first": Expected("groups-all-read-first", TRANSPOSED),
    "groups_interleaved": Expected("groups-interleaved", TRANSPOSED),
    "weight_read_as_transposed": Expected("weight-read-as-transposed", TRANSPOSED),
    "bias_missing": Expected("bias-missing", TRANSPOSED),
    "negative_indices_gathered": Expected("negative-index-wraps", TRANSPOSED),
    "group_weights_interleaved": Expected("groups-interleaved-weights", TRANSPOSED),
    "bias_of_the_other_order": Expected("bias-of-another-channel", TRANSPOSED),
    "output_padding_of_the_other_axis": Expected("output-padding-axes-swapped", TRANSPOSED),
    "bias_twice": Expected("bias-twice", TRANSPOSED),
    "first_image_for_all": Expected("batch-first-for-all", TRANSPOSED),
    "input_padding_on_what_arrives": Expected("padding-on-input", INPUT),
    "input_stuffed_padded_by_the_padding": Expected("padding-not-turned-round", INPUT),
    "input_padding_missing": Expected("padding-missing", INPUT),
    "input_padding_sides_swapped": Expected("padding-sides-swapped", f"conv2d_input-{_SIDES}-f32"),
    "input_unread_rows_dropped": Expected("unread-rows-dropped", INPUT),
    "input_kernel_not_flipped": Expected("kernel-flipped", INPUT),
    "input_stride_and_dilation_swapped": Expected("stride-and-dilation-swapped", INPUT),
    "input_dilation_ignored": Expected("dilation-ignored", INPUT),
    "input_overlaps_overwritten": Expected("overlaps-overwritten", INPUT),
    "input_all_groups_read_the_first": Expected("groups-all-read-first", INPUT),
    "weight_padding_missing": Expected("padding-missing", WEIGHT),
    "weight_padding_sides_swapped": Expected("padding-sides-swapped", f"conv2d_weight-{_SIDES}-f32"),
    "weight_dilation_ignored": Expected("dilation-ignored", WEIGHT),
    "weight_stride_ignored": Expected("stride-ignored", WEIGHT),
    "weight_stride_and_dilation_swapped": Expected("stride-and-dilation-swapped", WEIGHT),
    "weight_not_cropped": Expected("gradient-not-cropped", WEIGHT),
    "weight_all_groups_read_the_first": Expected("groups-all-read-first", WEIGHT),
    "weight_groups_interleaved_inputs": Expected("groups-interleaved-inputs", WEIGHT),
    "weight_flipped": Expected("gradient-flipped", WEIGHT),
    "weight_transposed": Expected("gradient-transposed", WEIGHT),
    "weight_channels_swapped": Expected("gradient-channels-swapped", WEIGHT),
    "weight_of_the_first_image": Expected("batch-first-alone", WEIGHT),
    "weight_of_the_last_image": Expected("batch-last-alone", WEIGHT),
    "weight_averaged_over_the_batch": Expected("batch-averaged", WEIGHT),
    "weight_averaged_over_positions": Expected("positions-averaged", WEIGHT),
    "weight_of_what_arrives_among_zeros": Expected("nan-spreads", f"conv2d_weight-{_NAN}", "core", "values"),
}
