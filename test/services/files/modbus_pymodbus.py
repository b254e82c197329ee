#!/usr/bin/env python3
"""A Modbus TCP server on pymodbus: unit 1, four tables of 200 each. usage: PORT"""

import asyncio
import sys

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

N = 200


def registers():
    r = list(range(N))
    r[10:18] = [
        0x42F6, 0xE979,  # 10: float32 123.456, ABCD
        0xE979, 0x42F6,  # 12: CDAB
        0xF642, 0x79E9,  # 14: BADC
        0x79E9, 0xF642,  # 16: DCBA
    ]
    r[18:20] = [0, 0]
    r[20:24] = [0x405E, 0xDD2F, 0x1A9F, 0xBE77]  # float64 123.456
    r[24:28] = [0xFFFF, 0xFFFF, 0xFFFF, 0xFFFE]  # int64 -2
    r[28:30] = [0, 0]
    r[30:34] = [0x5052, 0x4553, 0x532D, 0x3031]  # PRESS-01
    r[34:40] = [0] * 6
    r[40] = 0x8004  # bits 2 and 15
    r[41] = 0xFFFB  # int16 -5
    return r


def table(values, kind):
    return [SimData(0, values=values, datatype=kind)]


async def main():
    device = SimDevice(1, simdata=(
        table([i % 2 == 1 for i in range(N)], DataType.BITS),
        table([i % 3 == 0 for i in range(N)], DataType.BITS),
        table(registers(), DataType.REGISTERS),
        table([i + 1000 for i in range(N)], DataType.REGISTERS),
    ))
    await ModbusTcpServer(device, address=("127.0.0.1", int(sys.argv[1]))).serve_forever()


asyncio.run(main())
