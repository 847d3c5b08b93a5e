"""The tolerances of the tests, once, each with its reason."""

from __future__ import annotations

from torch import Tensor

# --- calibration: the exact tracer -----------------------------------------------------------
TRACER_SHIFT = 1e-5
"""A shift is a copy or one linear interpolation in float32; the radius comes from the lens."""
TRACER_WARP = 1e-4
"""The same through grid_sample, whose normalised float32 coordinates round to 1e-5 texels."""
TRACER_FIELD = 5e-3
"""`moved_layer.FIXED_POINT_TOLERANCE_PX`, on white noise in 0..1."""
TRACER_COVERAGE = 6e-3
"""1024 samples against the closed-form share of a disk, averaged over no pixel width."""
TRACER_CONVERGENCE_RMS = 0.01
"""256 against 1024 samples on white noise at radius 7, the hardest picture there is."""
LEVELS_FP32 = 1e-4
"""A whole number of up to 255 after a division by 255 and back, in float32."""
KNOWN_FOV_DEG = 0.1
"""The Motorcycle's field of view, known to a tenth of a degree."""
FRAME_NUMBER = 1
"""A frame that counts in grey levels, through a video codec: a level each."""
STATE_NORM = 1e-6
"""A norm of a state against the same in the same precision, some tens in size."""
LENS_MOMENT = 2e-3
"""Second moments of 1024 well-spread points; random ones would miss by 1e-2."""
LENS_CENTRE = 1e-12
"""The mean of the samples is subtracted, in float64."""

# --- media -------------------------------------------------------------------------------------
JPEG_MEAN_LEVELS = 1.0
"""Mean error in 8-bit levels of a small gradient through JPEG at quality 95; 0.59 measured."""
FRAME_TIME_S = 0.05
"""Lengths of files whose sound ends between two frames, in containers with clocks of their own."""
ONE_TIME_S = 1e-3
"""Sounds that share a time in a container of milliseconds may be apart by less than one of them."""
VIDEO_MEAN_LEVELS = 3.0
"""The same through H.264 at CRF 18 in 4:2:0; 1.5 measured on 64x48 moving gradients."""
COLOUR_PLACE_PX = 0.2
"""Where a wave of colour comes back through the same; 0.5 would be samples read at another place
than they were made for."""
LOSSLESS_VIDEO_LEVELS = 2
"""Largest error in levels of a lossless 4:4:4 clip: RGB to 8-bit YCbCr and back, two roundings."""
GREY_LEVELS = 1.2
"""A grey of limited range: a rounding to 8 bits, stretched by 255/219; a level of 8 bits is half of
one off by itself."""
READ_LEVELS, READ_MEAN_LEVELS = 0.6, 0.1
"""Colours read from YUV into 8 bits, in levels: rounding, which has no side over many of them.
FFmpeg's fast way is off by up to 3, and by 1 to 2 in the mean."""
TIMESTAMP_S = 1e-6
"""A time as a whole number of ticks, turned into seconds."""
DEPTH_STEP_M = 0.001
"""A file of depth counts millimetres; two runs may round to neighbours."""
DEPTH_HALF_STEP_M = 0.0005
"""The same depth rounded to millimetres."""
PLACED_M = 1e-9
"""Where a corner is after a turn and a shift, metres: float64 over metres."""
SIXTEEN_BIT_STEP = 2e-5
"""A number in 0..1 as one of 65,535 levels: 1.5e-5."""
TONE_CURVE = 1e-6
"""The same curves in float64, whose constants are written to eight digits."""
KNOWN_NITS = 2.0
"""Reference white at 75 % of HLG and 58 % of PQ, signals known to whole percents."""
SIX_DIGITS = 1e-6
"""Numbers written to six digits."""
P3_XYZ = 1e-4
"""X, Y and Z of a colour by matrices of five digits."""
SIXTEEN_BIT_TONE = 2e-4
"""A grey through tone mapping, computed in 16 bits; another white would be off by 1e-3 and more."""
TEN_BIT_STEP = 0.002
"""A grey of 10 bits through tone mapping: a step of 1/876, up to twice as steep."""

# --- core ml evaluator ---------------------------------------------------------------------------
MIL_FP32 = 3e-6
"""Absolute and relative: the same float32 arithmetic as torch, in another order."""
MIL_FP16_SQNR_DB = 55.0
"""A few roundings to 11 bits, 72 dB each, through slopes of up to 3 (pow, exp)."""
MIL_INT8_WEIGHTS_SQNR_DB = 35.0
"""Two convolutions with weights in 8 bits a channel: steps of 1/127 of the largest, 40 dB."""
CANCELLED_REL = 1e-3
"""What is left of 1e-4 after 1 was added in float32 and taken away: 6e-8 of 1."""
MIL_FP16_REL = 1e-2
"""A number of 1e-4, where float16 is subnormal, after a product or two: steps of 6e-8."""
FEW_HALVES = 2e-3
"""Four roundings of float16."""
HALF_RADIUS_PX = 0.05
"""A radius in float16 whose lens lies far outside of what is built."""

# --- kernels -----------------------------------------------------------------------------------
# Relative RMS of a scan against the float64 recurrence on the same (already rounded) inputs.
SCAN_FP32 = 2e-6
"""IEEE fp32 through a chunk's dozen products; 1e-7 to 3e-7 measured."""
SCAN_FP16 = 1e-2
"""Outputs and a dozen products of fp16 operands: 5e-4 each, over a long scan."""
SCAN_BF16 = 3e-2
"""Outputs and most products of bf16 operands: 2e-3 each, 4e-3 in the interpreter, which cuts the
bits off that rounding would count."""
SCAN_FP64 = 1e-13
"""The CPU recurrence in float64: the same arithmetic in another order."""
SCAN_GRADIENT_FACTOR = 3.0
"""Gradients pass through about three times as many roundings as the outputs."""

# --- optics, scan, network -----------------------------------------------------------------------
OPTICS = 1e-12
"""The same few products in float64, in another order."""
KNOWN_RADIUS_PX = 0.05
"""Half a unit of the last digit of a radius known from elsewhere."""
RADIUS_PX = 1e-3
"""A blur radius of a few px from depth in float32, which cancels near the plane in focus."""
GATE_FLOOR = 0.01
"""An untrained network's floors, known to two digits."""
SCAN_CHUNKED_FP32 = 2e-6
"""The chunked form in float32 against the float64 recurrence: 1e-7 to 1e-6 measured, the most where
a state is a sum of hundreds of nearly parallel updates."""
SCAN_CHUNKED_FP64 = 1e-12
"""The chunked form in float64: the same sums in another order."""
FP32_EQUAL = 1e-5
"""One float32 computation against another order of the same one."""
FEW_OPERATIONS = 1e-6
"""A handful of float32 operations in a given order: 6e-8 each."""
NEAR_ZERO = 1e-7
"""The same where a result is 0 but for rounding."""
RESAMPLE_SHIFT_PX = 0.05
"""A sampled triangle filter is not quite centred: 0.033 px measured from 1280 to 512."""
FP16_EQUAL = 4e-3
"""A handful of float16 roundings, 5e-4 each."""
TABLE_SHARE = 0.03
"""How far a variant's parameter count may lie from the founding document's table."""
EIGHT_BIT_STEP = 1.0 / 255.0
"""What a viewer could see: one level of an 8-bit picture."""


def relative_rms(reference: Tensor, test: Tensor) -> float:
    """RMS of the error over RMS of the reference; over 1 where the reference is zero."""
    error = (test.double() - reference.double()).square().mean().sqrt()
    size = reference.double().square().mean().sqrt()
    return float(error / size) if size > 0 else float(error)


SEEN_CHANGE = 1e-4
"""Of a map in 1/m: what changes it by more was looked at, and is no rounding."""

# --- calibration: ray-traced scenes --------------------------------------------------------------
RAY_TRACED_VARIANCE_REL = 0.02
"""1 % of blur radius, from the second moment of a lamp's light at 1024 rays a pixel."""
RAY_TRACED_VARIANCE_PX2 = 0.1
"""A lamp two pixels wide is too small for its pixel steps to add exactly 1/12 (measured 0.06)."""
RAY_TRACED_GAIN_DB = 6.0
"""What rendering gains over no blur on a tiny scene (measured 12 to 17); noise allows no more."""
SHEET_WIDTH_PX = 1.5
"""A sheet's width counted in covered pixels: half a pixel a side, and one for its slant."""
SHEET_DEPTH_REL = 1e-4
"""Depth of a slanted sheet in float32, by a division."""

# --- render --------------------------------------------------------------------------------------
RENDER_FP32 = 1e-4
"""Float32 through divisions by small coverages, which enlarge its rounding."""
OUTLINE_SHARE = 0.01
"""A pixel of a focused outline against its own colour: its shares are estimated from neighbours."""
LAMP_CENTRE_PX = 0.02
"""The centre of a lamp's disk against the lamp's own: rounding alone."""
LAMP_HALVED_PX = 0.5 + LAMP_CENTRE_PX
"""The same of a lamp of one pixel on the grid of half size: the middle of its cell of 2x2 px."""
BEYOND_BANK = 1e-3
"""A radius beyond the bank against one at its end: the same kernels of slightly other shares."""
CHAIN_VARIANCE_REL = 5e-4
"""A point in two of the places that it may have in a coarse cell, of up to 256: 2e-4 were found."""
POLYGON_DISK_REL = 1e-5
"""A polygon of 4,000 corners against a disk: of the order of (pi / 4000)^2, 6e-7."""
APERTURE_VARIANCE_REL = 2e-2
"""The radius is solved on a coverage sampled 16 x 16 times a cell; a tiny triangle drawn so is off
its centre by 1% of its variance."""
LARGE_VARIANCE_REL = 1e-3
"""Kernels too large to be solved are drawn at the ideal radius: 5e-4 was found, for a triangle with
an edge along a column of the points that are sampled."""
UNMIXED_SHARE = 0.1
"""A mixed pixel between two flat colours: its mixed neighbours along the outline count a little."""
FLAT_FIELD_REL = 1e-3
"""A flat field within 0.1% at every radius; rounding is all there is, 1e-6 measured."""
IMPULSE_ENERGY_REL = 1e-2
"""A point of light keeps its energy within 1%; pooled and interpolated grids keep it exactly."""
NO_JUMP = 1e-3
"""Of a picture whose radii change by 2e-5: a quarter of an 8-bit level; banks whose last layers
moved as they grew made 0.009."""
OUTLINE_COLOUR = 0.04
"""What a patch of 0.2% of a frame may add at an outline far from it, sRGB: 0.034 measured; where it
was filled in everywhere 0.07 to 0.31."""
FOCUS_PULL_JUMP_REL = 2e-3
"""Largest change of mean brightness between radii 0.05 px apart: what nobody sees pump."""
STEP_LEAK = 5e-3
"""Far blur on a sharp near edge, and back; the fill leaves none, 1e-7 measured."""
STEP_SPILL = {"mobile": 0.05, "best": 0.02}
"""Near blur over an edge against exact disk coverage: a mix of two disks of the bank differs from
the disk between them by as much as their radii are apart; 0.032 and 0.017 measured."""
PLANE_DB = 41.5
"""A photo blurred as a whole against an exact disk; worst where a radius lies between two of the
bank: 41.9 measured. A bank without 1 and 2 px has 39.6."""
EXPORT_PSNR_DB = 80.0
"""The exported graph against torch: the same float32 operations in another order, above 100 dB."""
MOBILE_GFLOP = 15.0
"""Budget of the mobile renderer at 720p and radius 40."""
UPSAMPLE_GFLOP = 1.0
"""Budget of the edge-aware upsampling to 720p: small beside the renderer."""
DEPTH_LOSS_WON_BACK = 0.5
"""Share of the edge band's loss to imperfect depth that sharpening must win back."""
APERTURE_FLAT = 1e-12
"""Weights of one kernel in float64, each divided by their sum."""
BANK_RATIO = 1e-6
"""Of two radii, each a product of rounded factors."""
CLEAR_COLOUR = 1e-3
"""What hidden colour may add where a twentieth and more of a pixel is seen: float32 over that."""
FOUND_FOCUS_REL = 0.1
"""Where a network sees a place, beside where it saw it when last told of another focus."""

# --- calibration and benchmarks: scenes and the quality table ------------------------------------
SCENE_LEAST_CHANGE = 0.004
"""Mean change of a tiny scene by its lens: one 8-bit level; a scene below it would judge nobody."""
EIGHT_BIT_HALF_STEP = 0.5 / 255 + 1e-6
"""Rounding to 8 bits is wrong by at most half a level."""
DECIBELS_BY_HAND = 1e-4
"""Of 20 dB, where 0.1 is added to float32 values."""
PSNR_FORMULA_DB = 1e-3
"""PSNR in float32 against its formula."""
ENERGY_FORMULA = 1e-3
"""A share of light through the sRGB curve and back in float32."""
KERNEL_VARIANCE_REL = 0.01
"""Coverage on 8x8 points a pixel; the pixel itself adds 1/12 px^2, which is 0.4 % at radius 9.3."""
FFT_ROUNDING = 1e-5
"""Float32 Fourier transforms of a few hundred values around 1."""
DISK_CHORDS = 1e-4
"""A disk's area summed from 100,000 chords, against the closed form."""
BASELINE_LIGHT = 1e-5
"""Kernels are normalised; what is left is float32 Fourier rounding."""
BASELINE_IMPULSE = 0.02
"""The same for one pixel. A Gaussian is cut by the rim of the chart, and light below zero from
Fourier rounding is clipped."""
SPILL_BY_HAND = 0.05
"""Half of a step's contrast, counted in pixels on either side of it."""

# --- training ------------------------------------------------------------------------------------
LOSS_FORMULA = 1e-4
"""A loss in float32 against its formula in float64; some are small differences."""
CLIPPED_NORM_REL = 1e-3
"""A clipped gradient's norm, summed from its parts in float32."""
NOISE_STRENGTH_REL = 0.05
"""Spread of 24,576 draws, less what rounding to 0..1 cuts off."""
FOLDED_NORM = 1e-4
"""A convolution with its batch norm folded in, against one after the other, in float32."""
VIEW_ASPECT_REL = 0.1
"""A view's shape in whole pixels: one of twenty is 5 %."""
SSIM_FORMULA = 1e-6
"""The same windows in float64, but for the kernel's eleven float32 weights."""
PROCESSES_EQUAL = 1e-4
"""Losses of two processes against one: gradients summed in another order, through Adam's division
by their own size, over a few steps."""
DRAWN_SHARE = 0.05
"""Three standard deviations of the share of 704 draws of even chance one in four."""

# --- calibration/data: training clips ------------------------------------------------------------
TRACED_DEPTH_REL = 1e-5
"""Mitsuba meets triangles in float32; the distance is turned into depth in float64."""
LENS_FORM_REL = 1e-9
"""Two forms of the same blur radius in float64."""
FLOW_PX = 0.02
"""Flow is stored in float16, whose steps are 0.016 px between 16 and 32."""
WARPED_LEVELS = 6.0
"""Median error in 8-bit levels of a frame fetched from the one before by its flow: a texture read
between its pixels, and 16-sample noise in traced frames."""
HALF_PRECISION_REL = 1e-3
"""Inverse depth is stored in float16: 2^-11 relative."""
TRACED_BLUR_REL = 0.06
"""Width of an edge blurred by Mitsuba with 1024 rays a pixel, whose noise adds to its variance."""

# --- benchmarks: the runner ----------------------------------------------------------------------
SAME_ENGINE = 1e-4
"""The same file in the same engine, one thread against several: sums in another order."""

# --- benchmarks/evaluation -----------------------------------------------------------------------
DEPTH_FORMULA = 1e-9
"""Depth metrics in float64, in another order."""
SCALE_GRID = 2e-3
"""Of a relative error, where the best scale was looked for in steps of a thousandth."""
PUBLISHED_DIGIT = 0.005
"""Half a unit of the last digit that the baselines' figures are known to."""
FLOAT_DEPTH_REL = 1e-3
"""An error of depth between two float32 maps, a hundredth of their size."""
ESTIMATED_FLOW_PX = 0.25
"""Median of TV-L1 flow on a smooth picture moved by whole pixels."""

# Segment states (tests/layers/test_segments.py).
SEGMENTS_EQUAL = 1e-9
"""Scans in float64 cut into segments: the same recurrence, rounded in another order."""

# --- quantize ------------------------------------------------------------------------------------
INT8_STEP_REL = 0.02
"""Random weights in 8 bits, one scale a channel: 1/127 of the largest is a step, errors are a third
of one, and products average them."""

RECORDED_GRADIENTS = 1e-4
"""A graph's gradients against the same kernels called one by one: sums of atomics in any order."""

FUSED_NETWORK = 1e-4
"""A whole network's outputs and gradients, relative, in fp32 by other kernels."""

MUON_IN_BFLOAT16 = 3e-2
"""Updates of matrices together against one by one: bfloat16, and sums in another order."""

NORM_FP32, NORM_BF16 = 1e-5, 1e-2
"""The fused layer norm against float64, relative RMS; bfloat16 rounds what goes in and out."""

TURNED_PICTURE = 2e-3
"""A smooth picture in 0..1 interpolated linearly between pixels of a 160-th of its width."""

TURNED_DEPTH_PX = 0.6
"""A depth that is not mixed is that of the nearest pixel: off by half of one's slope, in both
directions at once, and by what the slope changes on the way."""

TURNED_SPHERE = 5e-3
"""The same as a share of depth, on a sphere seen at 60 degrees in 160 pixels."""


DOUBLE_DEPTH = 1e-3
"""Relative, of a depth in double precision against single."""


LEAST_GAP_SINGLE = 2e-2
"""Relative: a gap of 1e-5 of the focal length, between two numbers that float32 rounds by 6e-8 of
themselves each, and their product by as much."""


UNATTRIBUTED = 0.05
"""Share of OpenVINO's time in nodes whose names lead to no module: copies between layouts."""
