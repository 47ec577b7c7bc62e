"""Wrong kernels written as loops in C are named in the first line, with where they go wrong."""

from __future__ import annotations

from typing import Any

import loops
import pytest
from sampled import one_in

from refconv.testing import check

# By kernel: the code of the first cause, what must stand in its condition, and the cases of a quick check that tell it.
CAUSES: dict[str, tuple[str, ...]] = {
    "first_pixels_unread": ("first-pixels-unread", ""),
    "first_row_unread": ("first-pixels-unread-along-height", ""),
    "last_column_unread": ("last-pixels-unread-along-width", ""),
    "last_pixels_unread": ("last-pixels-unread", ""),
    "last_row_of_taps_missing": ("last-taps-unread-along-height", ""),
    "first_column_of_taps_missing": ("first-taps-unread-along-width", ""),
    "bounds_of_the_other_axis": ("bounds-of-other-axis", ""),
    "rows_checked_against_the_width": ("bounds-of-other-axis-along-height", ""),
    "row_pitch_is_the_height": ("row-pitch-of-height", ""),
    "row_pitch_is_the_outputs": ("row-pitch-of-output", ""),
    "row_pitch_is_the_padded": ("row-pitch-of-padding", "padding_w > 0"),
    "weight_at_height": ("weight-pitch-of-height", "kernel_h != kernel_w"),
    "accumulator_carried": ("accumulator-carried", ""),
    "bias_once_for_each_channel": ("bias-once-per-channel", "there is a bias"),
    "stride_times_padding": ("stride-times-padding", "padding > 0", "core", "-s3x2-"),
    "group_offset_lost_after_the_first_image": ("groups-offset-first-image-alone", "groups > 1"),
    "only_the_first_channel_of_a_group": ("groups-first-channel-alone", "channels per group > 1"),
    "groups_begin_at_outputs": ("groups-input-offset", "groups > 1"),
    "last_channel_of_a_vector_lost": ("vector-last-channel-lost", "channels per group >"),
    "tail_of_a_vector_unweighted": ("channel-tail-unweighted", "channels per group are no multiple of 4"),
    "groups_share_the_first_bias": ("groups-share-first-bias", "there is a bias"),
    "groups_share_the_first_weights": ("groups-share-first-weights", "groups > 1"),
    "groups_of_weights_begin_at_inputs": ("groups-weight-offset", "groups > 1"),
    "tiles_begin_every_two_pixels": ("tile-step-of-kernel", "stride = 1"),
    "columns_repeat_from_eight": ("columns-repeat-from-8", "output_w > 8"),
    "dilation_twice": ("dilation-squared", "dilation > 1"),
    "same_and_taps_without_dilation": ("same-from-undilated-kernel+dilation-ignored", "", "core", "psame"),
    "same_not_clamped": ("same-total-not-clamped", "the total of padding 'same...' is negative", "core", "psame"),
    "same_is_half_the_kernel": ("same-half-kernel", "padding is 'same...'"),
    "checked_against_the_output": ("bounds-of-output", ""),
    "no_upper_bound": ("last-bound-unchecked", "padding"),
    "no_lower_bound_of_rows": ("first-bound-unchecked-along-height", "padding top > 0"),
    "products_in_eights": ("product-tail-lost", "products are no multiple of 8"),
    "columns_of_taps_in_fours": ("tap-tail-lost-along-width", "kernel_w >", "core", "k5 or k7 or k3"),
    "blocks_of_channels_overwrite": ("input-channel-blocks-overwritten", "", "core", "channels and not c400"),
    "bias_in_eights": ("bias-tail-lost", "there is a bias"),
    "bias_of_the_first_of_four": ("bias-first-of-vector", "there is a bias"),
    "images_begin_at_groups": ("image-pitch-of-group", "groups > 1 and batch > 1"),
    "offset_of_weights_divided_twice": ("groups-weight-offset-divided", "groups > 1"),
    "padding_times_dilation": ("padding-times-dilation", "padding", "core", "dilation and f32"),
    "stride_twice": ("stride-squared", "stride > 1"),
    "same_without_stride": ("same-without-stride", "padding is 'same...'", "core", "psame and f32"),
    "sides_in_another_order": ("padding-order-mixed", "padding_h != padding_w"),
    "tiles_without_halo": ("tile-reads-no-further-along-height", "kernel_h > 1", "core", "tiles and c2 and f32"),
    "last_row_repeated": ("padding-replicated-after-along-height", "padding bottom > 0"),
    "stride_within_phases": ("stride-within-phases", "", "core", "g4 or g5"),
    "phases_rounded_down": ("phases-rounded-down-along-height", "dilation_h > 1", "core", "f32 and c2"),
    "size_rounded_up": ("size-rounded-up", "stride leaves pixels unread"),
    "size_of_undilated_kernel": ("size-of-undilated-kernel", "dilation > 1"),
    "rows_of_the_strides_width": ("row-pitch-of-stride", "kernel is 1×1", "core", "k1-"),
    "stride_on_the_taps": ("dilation-times-stride", "stride > 1"),
    "tap_row_by_the_columns": ("tap-row-modulo-columns", ""),
    "bias_of_the_vector": ("bias-of-vector", ""),
    "bias_of_each_block": ("bias-once-per-block", "channels per group > 1"),
    "bias_of_each_row_of_taps": ("bias-once-per-row", "there is a bias"),
    "group_of_the_first_of_four": ("groups-first-of-vector", "groups > 1"),
    "maps_read_in_fours": ("output-maps-rounded-up", "", "core", "f32"),
    "image_for_its_columns": ("image-for-its-columns", "kernel is 1×1", "core", "f32"),
    "second_half_of_the_first": ("batch-half-for-all", "", "core", "batch"),
    "weight_turned_as_one": ("groups-turned-as-one", "groups > 1"),
    "kernels_together": ("weight-pitch-of-taps", "channels per group > 1", "core", "f32 and k1x2"),
    "arriving_in_fours": ("arriving-channel-tail-lost", "channels per group", "core", "f32 and k2 or f32 and k1"),
    "padding_split_evenly": ("padding-split-evenly", "", "core", "padding and f32"),
    "arriving_at_the_first_group": ("groups-share-first-gradient", "groups > 1"),
    "arriving_rows_in_fours": ("gradient-tail-lost", "output_h is no multiple of 4"),
    "rows_in_a_short_buffer": ("buffer-too-short-along-height", "kernel_h > 1"),
    "transform_too_short": ("transform-too-short-along-height", "padding", "core", "padding and c2"),
    "products_left_in_a_buffer": ("tail-repeats-block-before", "products are no multiple of 8"),
    "keeps_the_first_weight": ("keeps-operand", ""),
    "first_column_never_scattered": ("first-arrivals-unread-along-width", ""),
    "tiles_of_four_replace": ("tile-overlaps-overwritten-along-height", "kernel_h > 1"),
    "last_column_never_added": ("last-arrivals-unread-along-width", ""),
    "outputs_left_in_a_buffer": ("tail-repeats-block-before", "outputs in an image are no multiple of 8"),
    "last_channel_alone": ("last-channel-alone", "channels per group > 1"),
    "sums_not_set_back": ("images-carried", "batch > 1"),
    "rows_between_tiles_twice": ("tile-ends-inclusive", ""),
    "pairs_of_images_replace": ("image-blocks-overwritten", "", "core", "batch"),
    "averaged_over_all": ("all-averaged", ""),
    "windows_past_end_lost": ("windows-past-end-lost-along-height", "padding bottom > 0"),
    "unreached_pixels_without_bias": ("unreached-pixels-zero", "there is a bias"),
    "last_taps_of_more": ("gradient-cropped-before", "stride leaves pixels unread"),
    "first_phase_alone": ("phases-first-alone", "stride > 1"),
    "phases_one_tap_short": ("phases-one-tap-short", ""),
    "remainder_unchecked": ("stride-remainder-unchecked", "stride > 1"),
    "groups_scatter_the_first_weights": ("groups-share-first-weights", "groups > 1"),
    "groups_scatter_the_first_bias": ("groups-share-first-bias", "groups > 1"),
    "groups_and_dilation_exchanged": ("groups-and-dilation-swapped", ""),
    "first_phase_of_the_gradient": ("phases-first-alone", "stride > 1"),
    "stored_as_large_as_windows_reach": ("output-pitch-of-windows", "stride leaves pixels unread"),
}
RIGHT = ("loops", "scattered", "gradient", "correlated")


def kernel(name: str) -> Any:
    return getattr(loops, name)


def test_every_kernel_has_its_cause() -> None:
    assert set(loops.KINDS) == set(CAUSES) | set(RIGHT)


@pytest.mark.parametrize("name", one_in(90, CAUSES))
def test_a_wrong_loop_is_named_in_the_first_line(name: str) -> None:
    code, condition, tier, match = (*CAUSES[name], "smoke", "")[:4] if len(CAUSES[name]) == 2 else CAUSES[name]
    report = check(kernel(name), tier, op=loops.KINDS[name].op, match=match, time_limit=None)
    first = report.causes()[0]
    assert first.code == code
    assert condition in first.condition
    assert first.sentence in report.headline()


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_loop_has_no_cause(name: str) -> None:
    report = check(kernel(name), "smoke", op=loops.KINDS[name].op, time_limit=None)
    assert report.passed
    assert not report.causes()
