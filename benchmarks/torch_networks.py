"""The same networks and the same autoencoder in PyTorch, as someone without this project would write them."""

import torch
from torch import nn
from torch.nn import functional as F

SLOPE = 0.01


def _conv_stack(channels: int, convs: list[tuple[int, int, int, int]]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for out, kernel, stride, padding in convs:
        layers += [nn.Conv2d(channels, out, kernel, stride, padding), nn.LeakyReLU(SLOPE)]
        channels = out
    return layers


def lenetlike(classes: int = 10) -> nn.Module:
    """CIFAR-10's LeNetLike: 62,006 parameters."""
    linear = [
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.LeakyReLU(SLOPE),
        nn.Linear(120, 84),
        nn.LeakyReLU(SLOPE),
        nn.Linear(84, classes),
    ]
    return nn.Sequential(*_conv_stack(3, [(6, 5, 2, 0), (16, 5, 2, 0)]), *linear)


def vanilla_cnn(classes: int = 10) -> nn.Module:
    """CIFAR-10's VanillaCNN: 68,818 parameters."""
    convs = [(8, 3, 2, 1), (8, 3, 1, 1), (32, 3, 2, 1), (64, 3, 1, 1), (64, 3, 2, 1)]
    return nn.Sequential(*_conv_stack(3, convs), nn.Flatten(), nn.Linear(1024, classes))


class _Block(nn.Module):
    def __init__(self, channels: int, out: int, stride: int, norm):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=norm is None)
        self.norm1 = norm(out) if norm else nn.Identity()
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=norm is None)
        self.norm2 = norm(out) if norm else nn.Identity()
        self.short = nn.Identity()
        if channels != out:
            self.short = nn.Sequential(
                nn.Conv2d(channels, out, 1, stride, bias=norm is None), norm(out) if norm else nn.Identity()
            )

    def forward(self, x):
        y = F.leaky_relu(self.norm1(self.conv1(x)), SLOPE)
        return F.leaky_relu(self.norm2(self.conv2(y)) + self.short(x), SLOPE)


def resnet(depth: int, classes: int = 10, norm=nn.BatchNorm2d) -> nn.Module:
    """CIFAR-10's ResNet of depth 6n+2; `norm` None for the folded form."""
    layers: list[nn.Module] = [
        nn.Conv2d(3, 16, 3, 1, 1, bias=norm is None),
        *([norm(16)] if norm else []),
        nn.LeakyReLU(SLOPE),
    ]
    channels = 16
    for stage, width in enumerate((16, 32, 64)):
        for block in range((depth - 2) // 6):
            layers.append(_Block(channels, width, 2 if stage and not block else 1, norm))
            channels = width
    return nn.Sequential(*layers, nn.AvgPool2d(8), nn.Flatten(), nn.Linear(64, classes))


class _Sine(nn.Module):
    def forward(self, x):
        return torch.sin(30 * x)


def siren(width: int = 256) -> nn.Module:
    """3→256→256→1: 67,073 parameters."""
    return nn.Sequential(nn.Linear(3, width), _Sine(), nn.Linear(width, width), _Sine(), nn.Linear(width, 1))


def without_running_statistics(norm_channels: int) -> nn.Module:
    """Batch norm as `torch.func.vmap` can take it."""
    return nn.BatchNorm2d(norm_channels, track_running_stats=False)


class Encoder(nn.Module):
    """PRep to embedding (arXiv 2206.05194, the autoencoder)."""

    def __init__(self, embedding: int = 4096):
        super().__init__()
        h = embedding // 32
        self.rows = nn.Sequential(
            nn.Conv2d(1, h, (1, 3), (1, 2), (0, 1)),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(h, 2 * h, (1, 3), (1, 2), (0, 1)),
            nn.LeakyReLU(SLOPE),
        )
        self.columns = nn.Sequential(
            nn.Conv2d(2 * h, 4 * h, (3, 1), 1, (1, 0)),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(4 * h, 32 * h, (3, 1), 1, (1, 0)),
            nn.LeakyReLU(SLOPE),
        )

    def forward(self, prep):
        return self.columns(self.rows(prep).amax(3, keepdim=True)).amax((2, 3))


class Decoder(nn.Module):
    """Embedding of 4096 to PRep (arXiv 2206.05194, the autoencoder)."""

    def __init__(self, height: int, width: int):
        super().__init__()
        self.height, self.width = height, width
        self.conv1 = nn.Conv2d(1, 256 * height, 3, 2, 1)
        self.conv2 = nn.Conv2d(128, width // 8, 3, 2, 1)
        self.conv3 = nn.Conv2d(512, 256, 3, 2, 1)
        self.conv4 = nn.Conv2d(256, 32, 3, 1, 1)
        self.scale = nn.Parameter(1e-3 * torch.randn(height, width))
        self.shift = nn.Parameter(1e-2 * torch.rand(height, width))

    def forward(self, z):
        x = F.leaky_relu(self.conv1(z.view(-1, 1, 64, 64)), SLOPE).reshape(-1, 128, self.height, 2048)
        x = F.leaky_relu(self.conv2(x), SLOPE).reshape(-1, 512, self.height // 2, self.width // 4)
        x = self.conv4(F.leaky_relu(self.conv3(x), SLOPE)).reshape(-1, 1, self.height, self.width)
        return x * self.scale + self.shift


class Head(nn.Sequential):
    """Embedding to one logit for each architecture."""

    def __init__(self, architectures: int):
        super().__init__(
            nn.Conv2d(1, 10, 3, 2, 1), nn.LeakyReLU(SLOPE), nn.Flatten(), nn.Linear(10 * 32 * 32, architectures)
        )

    def forward(self, z):
        return super().forward(z.view(-1, 1, 64, 64))


def distillation(teacher, student, temperature: float = 4.0):
    """T²·KL, summed over classes, averaged over images."""
    return temperature**2 * F.kl_div(
        F.log_softmax(student / temperature, 1),
        F.log_softmax(teacher / temperature, 1),
        reduction="batchmean",
        log_target=True,
    )


def from_prep(model: nn.Module, prep) -> dict:
    """Named parameters of a model out of the leading values of a PRep."""
    flat, found, start = prep.reshape(-1), {}, 0
    for name, parameter in model.named_parameters():
        found[name] = flat[start : start + parameter.numel()].view(parameter.shape)
        start += parameter.numel()
    return found
