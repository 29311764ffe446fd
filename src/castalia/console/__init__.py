"""Consoles of VMs for browsers: WebSocket bridges to the screen (VNC) and the serial line."""

from fastapi import APIRouter

from castalia.console import serial, vnc

router = APIRouter()
router.include_router(vnc.router)
router.include_router(serial.router)
