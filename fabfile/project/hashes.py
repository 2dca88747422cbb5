"""The SHA-256 of each file that roadie brings to a host from a package index. A host refuses other files."""

# Each pin with its source and its wheels for Debian. The packages that a pin needs have no hashes here: the
# project chooses their versions.
_PINS = {
    "gunicorn==27.0.1": (
        "378b26b9a38adcf4592f28828233c1716acc55e833ea06bf48719782efaa0d10",
        "b1514965361c8b7e8107a80aa2a92636878df1ccfac6dd204a676426e04d9e3e",
    ),
    "mysqlclient==2.3.1": ("c07e1b83b530fd6c5888259f36afad1980d21fcb33ba97384650dd23c8f73ea8",),
    "psycopg==3.3.9": (
        "d2d7d04a1ce6dab4f5b27316bea3b52585cafa2f2d631e5b09dd69823f5c26f6",
        "87c1d85c3e0e88e811d3c0b3808f947bd967c6faf34af6cd86fd021f77793d6c",
    ),
    "psycopg-binary==3.3.9": (
        "0953c1b94c73f97efce5b8fb1dad85cf5e4085b94902e439e27e6805ebc8be99",
        "9f6f4108a2e1d55303dfbb41d0f3b16a0aac95232a24ac8eb3df03f56fcb83aa",
        "a99f0b9a19ed7a56bf5d6776456b8f15f5364db8853b0f5d184db394a45c391d",
        "b081348d8992af26e9b252f04876c286428418a6b7845d8d4caae2044b259668",
        "180e4a99904d7a77f826fbb6dd16834bb3313675d8a6f055e39742fda00c33dc",
        "366e2021a785afed9154f83f64793f662348a9ef244fef9779175c0906e8aacc",
        "4992acd5a7479013d52615b8c23fdce9bc22f3cacbfb1007fa474e6b5ebe94c7",
        "eed1ac135d652e4454777afb4e4bb52cf88520bbfa2f30ae83066cd4df656697",
    ),
    "uvicorn==0.54.0": (
        "505bdb0f318731d45f1f712071fc781a8981f6847a31c902c9f5e652d4f67faf",
        "a2e33cbfaa0306f8e6b0c13e0cb89d7d7a2da3e62b90c66e18c33d9807b28620",
    ),
    "uvicorn-worker==0.4.0": (
        "e2ed952cef976f5e9e429d7269640bbcafbd36c80aa80f1003c8c77a6797abde",
        "8ee5306070d8f38dce124adce488c3c0b50f20cf0c0222b12c66188da7214493",
    ),
    "websockets==17.4": (
        "cebad8f4796248b91fc2168515e507e5cb6b663a32befd09f3b1e7920acdcb1a",
        "954d43574f72be244b65f0fa61e2f814214b024f2ec849f487aa2f553f7c6e71",
        "b529ad6c81ad21db2f4e3d6e33db78ce3b9f272066b438b5d673361f9282898d",
        "25eb661d8ba7e2b85ebb4e7a1bb9f6a3280910ed10b84330a7abfb5ed32d2764",
        "c74954409ea5789f7a60daa5f94580c00ad0b60b20751c47b35c4784877b5057",
        "47beedf07a706140b50786457e082497ee6b5970c41e49bcd1572ee3f4c73f80",
        "c6bd2c9781915592b209160d0f017d4c7c82ad53075e6b0c24d2a89299e7f9e9",
        "09d3939b70df0c8ad2da145ebd50978bccaee1d565e838b0e7921a34d38571eb",
    ),
    "gevent==26.9.0": (
        "c47c70f1bc131178a7b7ec1f5afb8ac6b1573ed1caf5c31889261e8b5caae0e6",
        "7dce7f1a5be4be303e7a3c1db2e453abc5495c8b91b8708a0e64e116b3c6c4db",
        "e9915c9870160c2d8b4d97ceb55b5598c33cee2dcef0635db363d5519147556c",
        "8e47e8c24135936bc01198f93aa97061e543a8b0d7a339d34182c35901b41da0",
        "0b3f0ad9dc8e2ba585e0f6498c96b78ba61b1214f5b2e17081839c93b69a58c3",
        "83c51ffa0ef9c960fe3b6bc0a9de8997cd04a9476ff5d4e682c0c62481ef3924",
        "ab1db9defde9ea9bd1825057fd90474148f74dcc57d104ddc62343092eaa256f",
        "c59d95daacf71dfb763824b85a89b06ca4faa74b2e7df926714d439d5a47ee26",
        "c8b3bf3865f11504941d11bcca1dbf53beee79405b0da7577b1db29f94bb2209",
        "cb52241e8c691818853361663134a72c4d5601a9fa46ff7f9cb749878855b26f",
        "405d73327feecab8cc9976f7bc2a0dbd1adaccf2e4b5e86e97e7b87879fa5cfd",
        "231058bdb60dbf1074b2e74fbb77c0b0f1b045886bf7203b816692c3663726cc",
        "415f963d9b8e9022156afb091f6399de1d598aca173622cf5e2d0472178d57b1",
        "0ec6525fa2d55b96fc538be48a53a875c4b804738b016078a6eb49a6a2adf2e6",
        "afb17dfcb8e33ba4c84cf50a08974925c50a9d01306f199712897cfb00775d56",
        "d05115c494183d032d5dd3ee4f1517f4caa145f38008cee46405c5c2c8a4214b",
        "32c8236cb4b2911cee7d5caaa8fcd8ab2267354d46fc8223a880e3466859d0bf",
        "3b6404d18df517663df90889568de931ae43aae765bae542edb9ada73a9595db",
        "ea5f8f84232f1900a1a56ad6f7ba6804c49eeb8efdf861a6bae00bcf226568f5",
        "e9c8cdf9ff3eac29abb5ae55da16dac02cc464fc0e1e13818fca0437e8cfee0a",
        "4dd4703d71737a456c1c9df5cd43a82934e5b10c87549caa02495f487d1ef0b1",
    ),
}
# The program `uv` in the wheels of the pinned version, by processor.
UV_PROGRAMS = {
    "x86_64": "b73acdf73b96c3ac9e56d2fa933427b3ee6a901e3cce6ba1e3ecb3f91ca0d86a",
    "aarch64": "6109e47a75f2380d1cc90b00a6ee82b7b5792ddf66588625ec168545ae17512e",
    "armv7l": "7044f2d032f71c063417bb3aed7f20ad9eb02e8c643bae0c2f02987aa436e3f6",
    "i686": "3e020ca1e7eb3847223d73e7e2a128336e38f97ab531c0dd0ad664914bd281e2",
    "ppc64le": "5a79e319d808a91a66b54c98c384ea87bed4b821a6088315f4e06609d10312ec",
    "s390x": "a9bc459c45e1db54291da5fed244781912e845f74384ed02c474620a663fa065",
    "riscv64": "7a1d34ac77b2d89fa7cd72a78ed331aa19701e41ce21a0b3f7686729724c2e8e",
}


def with_hashes() -> tuple[str, ...]:
    """Each pin that has hashes, as a line of a requirements file."""
    return tuple(" ".join([pin, *(f"--hash=sha256:{one}" for one in found)]) for pin, found in _PINS.items())
