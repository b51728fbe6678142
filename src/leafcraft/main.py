"""`uvicorn leafcraft.main:app`: the service, from the environment's settings."""

from leafcraft import config, logs
from leafcraft.app import create_app

_settings = config.load()
logs.set_up(_settings.log_level)
app = create_app(_settings)
