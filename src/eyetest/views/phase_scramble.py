"""The images with how much there is of each frequency kept, and where it is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import Tensor

from ..tensors import Images
from ._random import white_noise
from .base import View, named


@final
@dataclass(frozen=True)
class PhaseScramble(View):
    """The phase of white noise added to all channels alike: amplitudes and relations of channels stay, layout goes.

    Contrast about each channel's mean is lowered until few enough pixels are clipped, so the amplitudes are kept up to
    one factor an image. A random view: a control must not be matched to it, because it would see another draw.

    Source: Oppenheim & Lim 1981; Geirhos et al. 2018, appendix (phase noise).
    """

    clipped: float = 0.01
    """Largest share of pixels outside [0, 1] before clipping."""

    @property
    def key(self) -> str:
        """`phase_scramble`."""
        return named("phase_scramble", (self.clipped,), (PhaseScramble.clipped,))

    def __call__(self, images: Images, seeds: tuple[int, ...]) -> Images:
        """Scrambled, with its contrast lowered where needed."""
        mean = images.mean((2, 3), keepdim=True)
        deviation = scrambled(images, seeds) - mean
        room = torch.where(deviation > 0, 1 - mean, mean) / deviation.abs().clamp_min(1e-12)
        allowed = room.amin(1).flatten(1).sort(1).values
        factor = allowed[:, int(self.clipped * allowed.shape[1])].clamp(max=1)
        return (mean + factor.view(-1, 1, 1, 1) * deviation).clamp(0, 1)


def scrambled(images: Images, seeds: tuple[int, ...]) -> Tensor:
    """The scrambled images before contrast and clipping; they may leave [0, 1] by half."""
    # NumPy's transform and real arithmetic: torch's of one channel, and complex products, round with the batch size.
    noise = np.fft.rfft2(white_noise(images, seeds).cpu().numpy())
    phase = np.angle(noise)
    phase[..., 0, 0] = 0
    cosine, sine = (
        torch.from_numpy(part.astype(np.float32)).to(images.device) for part in (np.cos(phase), np.sin(phase))
    )
    spectrum = torch.fft.rfft2(images)
    real = cosine * spectrum.real - sine * spectrum.imag
    imaginary = sine * spectrum.real + cosine * spectrum.imag
    return torch.fft.irfft2(torch.complex(real, imaginary), s=images.shape[2:])
