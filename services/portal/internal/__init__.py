"""What is asked of portal inside: by the gateway who a request is from, by the imports service to apply chunks."""
