"""python3 -m llmcs: prints the loaded libraries and their versions."""

from . import library_path, version

print("libllmcs %s: %s" % (version(), library_path()))
try:
    import llmcs_shop

    print("libllmcs_shop %s: %s" % (llmcs_shop.version(), llmcs_shop.library_path()))
except ImportError as e:
    print("libllmcs_shop: %s" % e)
