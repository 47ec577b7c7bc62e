"""What is wrong with each mutant, by the code that the diagnosis should give it, and where that shows."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT = "n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32"


@dataclass(frozen=True)
class Expected:
    """The code; the case whose arrays alone should tell it; the cases of a quick check that meets it."""

    code: str
    case: str = DEFAULT
    tier: str = "smoke"
    match: str = ""


_ODD_SIDES = "n1-c2-o3-g1-9x11-k3-s2-p1+0x0+2-d1-bias-f32"
_SAME = "n2-c3-o2-g1-10x8-k4x2-s1-psame-d1-f32"
_REAL = f"{DEFAULT}-real"

CAUSES = {
    "padding_sides_swapped": Expected("padding-sides-swapped", _ODD_SIDES),
    "padding_all_before": Expected("padding-all-before"),
    "padding_all_after": Expected("padding-missing"),  # the same, where the output has the right size
    "same_on_the_other_side": Expected("padding-sides-swapped", _SAME),
    "same_from_the_undilated_kernel": Expected(
        "same-from-undilated-kernel", "n1-c4-o6-g2-7x9-k2-s1-psame_upper-d2x3-f32", "core", "k2-s1-psame"
    ),
    "padding_halved": Expected("padding-halved"),
    "padding_axes_swapped": Expected("padding-axes-swapped"),
    "top_used_for_bottom": Expected("padding-before-used-for-after", _ODD_SIDES),
    "no_padding": Expected("padding-missing"),
    "no_padding_and_smaller": Expected("padding-missing"),
    "circular_padding": Expected("padding-circular"),
    "replicated_padding": Expected("padding-replicated"),
    "reflected_padding": Expected("padding-reflected"),
    "window_start_clamped": Expected("window-start-clamped"),
    "dilation_ignored": Expected("dilation-ignored"),
    "dilation_ignored_along_width": Expected("dilation-ignored-along-width"),
    "dilation_axes_swapped": Expected("dilation-axes-swapped"),
    "first_dilation_for_both": Expected("dilation-first-for-both"),
    "dilation_counted_from_zero": Expected("dilation-one-too-large"),
    "dilation_one_too_small": Expected("dilation-one-too-small"),
    "reach_is_kernel_times_dilation": Expected("reach-kernel-times-dilation"),
    "groups_interleaved_inputs": Expected("groups-interleaved-inputs"),
    "groups_interleaved_outputs": Expected("groups-interleaved-outputs"),
    "groups_interleaved": Expected("groups-interleaved"),
    "all_groups_read_the_first": Expected("groups-all-read-first"),
    "groups_ignored": Expected("groups-ignored"),
    "depthwise_for_any_groups": Expected("groups-as-depthwise"),
    "group_outputs_transposed": Expected("output-groups-transposed"),
    "last_rows_lost": Expected("rows-past-tile-zero", "n3-c4-o5-g1-6x8-k3-s1-p1-d1-f32"),
    "last_columns_lost": Expected("columns-past-tile-zero"),
    "last_columns_stale": Expected("columns-past-tile-neighbour"),
    "last_channels_lost": Expected("channels-past-tile-zero"),
    "second_half_of_channels_lost": Expected("channels-second-half-zero"),
    "last_group_lost": Expected("channels-last-group-bias-alone"),
    "reduction_tail_lost": Expected("input-channel-tail-lost"),
    "weight_read_as_hwio": Expected("weight-read-as-hwio"),
    "weight_read_as_iohw": Expected("weight-read-as-iohw"),
    "weight_read_as_ohwi": Expected("weight-read-as-ohwi"),
    "input_read_as_nhwc": Expected("input-read-as-nhwc"),
    "output_stored_as_nhwc": Expected("output-stored-as-nhwc"),
    "strided_read_as_packed": Expected("input-strides-ignored", f"{DEFAULT}-channels_last"),
    "stride_axes_swapped": Expected("stride-axes-swapped"),
    "first_stride_for_both": Expected("stride-first-for-both"),
    "stride_ignored_and_cropped": Expected("stride-ignored"),
    "one_by_one_forgets_the_stride": Expected("stride-ignored", "n2-c3-o4-g1-9x7-k1-s2x3-p0-d1-bias-f32"),
    "stride_and_dilation_swapped": Expected("stride-and-dilation-swapped"),
    "kernel_transposed": Expected("kernel-transposed"),
    "output_transposed": Expected("output-transposed"),
    "later_images_zero": Expected("images-after-first-zero"),
    "later_images_copies": Expected("batch-first-for-all"),
    "batch_and_channels_exchanged": Expected("output-batch-and-channels-swapped"),
    "inputs_rounded_to_tf32": Expected("inputs-rounded-to-tf32", _REAL, "core", "-real"),
    "inputs_rounded_to_bf16": Expected("inputs-rounded-to-bf16", _REAL),
    "inputs_rounded_to_fp16": Expected("inputs-rounded-to-fp16", _REAL, "core"),
    "fp16_accumulator": Expected("accumulated-in-float16"),
    "winograd_in_half_precision": Expected("accumulated-in-float16", "n3-c4-o5-g1-6x8-k3-s1-p1-d1-f32"),
    "border_skipped": Expected("border-zero"),
    "border_renormalised": Expected("border-renormalised"),
    "sixteen_bit_index": Expected("index-wraps-at-2^16", "n1-c1-o2-g1-258x259-k2x1-s1-p0-d1-f32", "core", "258x259"),
    "bias_missing": Expected("bias-missing"),
    "bias_twice": Expected("bias-twice"),
    "bias_of_the_image": Expected("bias-of-image"),
    "first_bias_everywhere": Expected("bias-first-for-all"),
    "nan_lost": Expected("nan-lost", "n1-c2-o3-g1-7x8-k3x2-s1-p0-d1-bias-f32-nan", "core", "values"),
    "nan_leaks": Expected("nan-leaks", "n1-c2-o3-g1-7x8-k3x2-s2x1-p0-d1-bias-f32-inf", "core", "values"),
    "kernel_flipped": Expected("kernel-flipped"),
    "kernel_flipped_along_height": Expected("kernel-flipped-along-height"),
    "kernel_flipped_along_width": Expected("kernel-flipped-along-width"),
    "taps_before_channels": Expected("weight-read-as-ohwi"),  # which comes to the same
}
