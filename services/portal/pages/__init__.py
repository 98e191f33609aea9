"""The screens of portal."""
