import asyncio


def run(coroutine):
    return asyncio.run(coroutine)
