// SPDX-License-Identifier: GPL-2.0
/// What has registered a device and fails must unregister it: the core frees it at
/// once otherwise, while others may have found it.
//
// Options: --no-includes --include-headers

virtual report

@bad exists@
identifier err, g;
expression dev;
position p;
@@
 err = register_netdevice(dev);
 ... when != unregister_netdevice(dev)
     when != unregister_netdevice_queue(dev, ...)
 err = g(...);
 ... when != unregister_netdevice(dev)
     when != unregister_netdevice_queue(dev, ...)
 return err@p;

@script:python depends on report@
p << bad.p;
@@
coccilib.report.print_report(p[0], "a device stays registered")
